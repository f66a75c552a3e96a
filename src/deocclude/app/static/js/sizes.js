// @ts-check
/** Addresses of the same picture in other sizes. */

/**
 * @param {string} url
 * @param {"thumb" | "screen" | "full"} size
 */
export function sized(url, size) {
  const address = new URL(url, location.href);
  address.searchParams.set("size", size);
  return `${address.pathname}${address.search}`;
}
