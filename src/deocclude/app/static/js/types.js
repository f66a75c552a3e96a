// @ts-check
/** Shapes of what the server answers, as docs/app-api.md describes them; types only. */

/** @typedef {[number, number, number, number]} Box left, top, right, bottom; half-open, pixels of the photo. */
/** @typedef {[number, number]} Spot pixel centre at whole numbers. */

/**
 * @typedef {object} PhotoInfo
 * @property {string} id
 * @property {string} name
 * @property {number | null} width
 * @property {number | null} height
 * @property {boolean} done
 * @property {number} objects
 * @property {string} thumbnail_url
 */

/**
 * @typedef {object} AppInfo
 * @property {string} version
 * @property {string | null} current
 * @property {{upload_bytes: number, pixels: number}} limits
 * @property {{name: string, title: string, credit: string}[]} demos
 * @property {string[]} painters
 * @property {{name: string, title: string, available: boolean, hint: string | null}[]} exports
 * @property {boolean} click_model
 */

/**
 * @typedef {object} Hole
 * @property {number} revision
 * @property {string | null} pick
 * @property {string[]} reject
 * @property {number} pixels
 * @property {string | null} method
 * @property {string | null} title what to call the method
 * @property {string | null} fallback_reason
 * @property {string[]} notes
 * @property {number | null} confidence
 */

/**
 * @typedef {object} Whole
 * @property {number} revision
 * @property {boolean} by_hand
 * @property {Box | null} box
 * @property {number} hidden_pixels
 * @property {string | null} mask_url
 */

/**
 * @typedef {object} Item an object of the photo.
 * @property {number} id
 * @property {string} name
 * @property {number} revision
 * @property {number} visible_pixels
 * @property {Box} visible_box
 * @property {Spot} centre
 * @property {string} mask_url
 * @property {Whole} whole
 * @property {Hole} hole
 */

/** @typedef {{front: number, behind: number, probability: number, reverse: number, by_user: boolean}} Edge */
/** @typedef {{first: number, second: number, relation: string, revision: number}} SetPair */

/**
 * @typedef {object} Order
 * @property {Edge[]} edges
 * @property {Edge[]} dropped
 * @property {[number, number][]} mutual
 * @property {{a: number, b: number, a_in_front: number, b_in_front: number}[]} pairs
 * @property {SetPair[]} set
 */

/**
 * @typedef {object} Layer
 * @property {number} id
 * @property {string} name
 * @property {number} z
 * @property {Box} box
 * @property {number} clipped
 * @property {string} picture_url
 * @property {string} thumbnail_url
 */

/**
 * @typedef {object} LayerMove
 * @property {number} id
 * @property {number} [dx]
 * @property {number} [dy]
 * @property {number} [scale]
 * @property {number} [rotate]
 * @property {number} [opacity]
 * @property {boolean} [hidden]
 */

/** @typedef {{version: number, layers: LayerMove[], order?: number[], background?: boolean}} Arrangement */

/**
 * @typedef {object} Reference
 * @property {string} name
 * @property {string} title
 * @property {string} source
 * @property {string} licence
 * @property {string} page
 * @property {string} thumbnail_url
 */

/**
 * @typedef {object} Job
 * @property {number} id
 * @property {string} kind
 * @property {string} photo
 * @property {"queued" | "running" | "done" | "failed" | "cancelled"} status
 * @property {string | null} stage
 * @property {number} done
 * @property {number} total
 * @property {number | null} hole
 * @property {{message: string} | null} error
 */

/**
 * @typedef {object} State one photo, as far as it has been taken apart.
 * @property {PhotoInfo & {width: number, height: number}} photo
 * @property {number} revision
 * @property {string | null} undo
 * @property {string | null} redo
 * @property {{width: number, height: number, scale: number, picture_url: string}} preview
 * @property {Item[]} objects
 * @property {{hole: Hole}} background
 * @property {Order} order
 * @property {Layer[]} layers
 * @property {string | null} background_url
 * @property {{revision: number, value: Arrangement}} arrangement
 * @property {{revision: number, items: Reference[]}} references
 * @property {{revision: number, value: Record<string, any>}} settings
 * @property {{revision: number, value: boolean}} done
 * @property {{provenance_url: string | null, confidence_url: string | null,
 *   legend: {code: number, name: string, colour: string, pixels: number}[]} | null} overlays
 * @property {{name: string, method: string, seconds: number, fallback_reason: string | null, notes: string[]}[]} stages
 * @property {string | null} stale_from
 * @property {string | null} unsaved why the results are not in the project folder, if they are not.
 * @property {string | null} notice what the user should be told, once.
 * @property {Job | null} job
 */

/**
 * @typedef {object} Candidate
 * @property {string} name
 * @property {string} kind
 * @property {string} title
 * @property {string | null} picture_url
 * @property {number | null} confidence
 * @property {boolean} picked
 * @property {boolean} used whether the hole is filled with it now
 * @property {boolean} rejected
 * @property {string | null} error
 * @property {string[]} notes
 * @property {string | null} source
 * @property {string | null} licence
 * @property {string | null} page
 */

/** @typedef {{png: string, box: Box}} PngMask */

/**
 * A step of the app: what it shows, and what it does when the photo's state changes.
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {import("./keys.js").Shortcut[]} keys
 * @property {() => void} update the state has changed.
 * @property {() => void} close
 * @property {(job: Job) => void} [jobChanged] what is being computed went on.
 * @property {() => boolean} [undo] takes back a step that the server does not know of; whether there was one.
 * @property {boolean} [undoable] whether there is such a step.
 * @property {() => void} [stepped] set by the frame: called when `undoable` may have changed.
 */

export {};
