"""The reference stage: for each hidden part find references, lay them over the photo, keep what they show.

A part whose masks, sources and choices have not changed since it was last looked at is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from deocclude import rle
from deocclude.content.patch import BACKGROUND, Fill, Provenance
from deocclude.content.reference_record import MOST, References, ReferenceUsed, Trial, in_order, with_trial
from deocclude.content.revealed import Hole, View, recoded, reveal, within
from deocclude.content.window import Window
from deocclude.errors import InputError
from deocclude.files import sha256
from deocclude.geometry import Size
from deocclude.masks import Mask, dilate
from deocclude.references.choice import Choice, said_of
from deocclude.references.index import Index
from deocclude.references.query import Query, query_object, query_photo
from deocclude.references.supply import Offer, Reference, Supply, load, small_jpeg
from deocclude.scene import Scene

Progress = Callable[[int, int], None]
KEPT = 12
"""References that are held in memory."""
LARGEST_SIDE, TIMES = 1280, 3
"""References with a longer side than both, pixels and times that of the photo, are reduced: detail that nobody sees."""
REJECTED = "rejected by hand"
ITSELF = "it is the photo itself"


@dataclass(frozen=True, eq=False)
class Before:
    """What an earlier run left.

    Attributes:
        references: its result.
        prints: what the result for each object came from, by object id.
    """

    references: References = field(default_factory=References)
    prints: Mapping[int, str] = field(default_factory=dict)


@dataclass(eq=False)
class ReferenceStage:
    """One run of the stage.

    Attributes:
        view: the photo.
        scene: its objects.
        supply: where references come from; ``None`` where they are not on this machine: what there was is kept.
        choices: what a user picked and rejected.
        photo: file of the photo, which is no reference for itself.
        before: what an earlier run left.
        models: hashes of the models that take part; what others have made is not kept.
    """

    view: View
    scene: Scene
    supply: Supply | None
    choices: tuple[Choice, ...] = ()
    photo: Path | None = None
    before: Before = field(default_factory=Before)
    models: Sequence[str] = ()
    _pictures: dict[str, ReferenceUsed] = field(default_factory=dict, init=False)
    _parts: dict[int, Fill] = field(default_factory=dict, init=False)
    _loaded: dict[Path, Reference] = field(default_factory=dict, init=False)

    def run(self, holes: Sequence[Hole], progress: Progress) -> tuple[References, dict[int, str]]:
        """Return what references give of all holes, and the fingerprint of each hole's result by object id.

        Raises:
            InputError: an index is damaged.
        """
        prints = {hole.id: self._print(hole) for hole in holes}
        for done, hole in enumerate(holes):
            progress(done, len(holes))
            if self.supply is None or self.before.prints.get(hole.id) == prints[hole.id]:
                self._keep(hole)
            else:
                self._look(hole)
        progress(len(holes), len(holes))
        return References(in_order(self._pictures.values()), self._parts), prints

    def _print(self, hole: Hole) -> str:
        """Return what the result for a hole depends on."""
        about = [one.as_plain() for one in self.choices if one.concerns(hole.id)]
        masks = [rle.encode(mask) for mask in (hole.hidden, hole.own, hole.foreign)]
        category = "" if hole.id == BACKGROUND else self.scene[hole.id].category
        source = self.supply.identity if self.supply else ""
        return hashlib.sha256(json.dumps([masks, category, source, about, *self.models]).encode()).hexdigest()[:16]

    def _keep(self, hole: Hole) -> None:
        """Take over what an earlier run found, as far as it is still hidden and not rejected since."""
        part = self.before.references.parts.get(hole.id)
        pictures = self.before.references.pictures
        rejected = [one for one in pictures if said_of(self.choices, hole.id, one.path, one.sha256) == "reject"]
        if part is not None:
            codes = [Provenance.REFERENCE + one.number for one in rejected if one.number is not None]
            refused = Mask.from_crop(part.hole & np.isin(part.provenance, codes), part.box[:2], hole.hidden.size)
            part = within(part, hole.hidden - refused)
        numbers: dict[int, int] = {}
        for picture in pictures:
            for trial in (trial for trial in picture.trials if trial.object == hole.id):
                pixels = _count(part, picture.number)
                why = REJECTED if picture in rejected else trial.reason or "what it showed is not hidden any more"
                reason = None if pixels else why
                number = self._list(picture, replace(trial, pixels=pixels, reason=reason))
                if number is not None and picture.number is not None:
                    numbers[picture.number] = number
        if part is not None:
            self._parts[hole.id] = recoded(part, numbers)

    def _look(self, hole: Hole) -> None:
        """Search references for a hole, and lay them over it."""
        tried: list[tuple[ReferenceUsed, Offer, Reference]] = []
        picked: list[tuple[ReferenceUsed, Offer, Reference]] = []
        seen: set[str] = set()
        for offer in self._offers(hole):
            picture = self._picture(offer)
            if picture.key in seen:
                continue
            seen.add(picture.key)
            said = said_of(self.choices, hole.id, picture.path, picture.sha256)
            reason = REJECTED if said == "reject" else None if said == "pick" else offer.refused
            reference = None if reason else self._load(offer.path)
            if isinstance(reference, Reference):
                (picked if said == "pick" else tried).append((picture, offer, reference))
            else:
                self._list(picture, Trial(hole.id, offer.probability, reason=reason or reference))
        if picked and self._reveal(hole, picked, trust=True):
            for picture, offer, _ in tried:
                self._list(picture, Trial(hole.id, offer.probability, reason="another reference was picked by hand"))
        elif tried:
            self._reveal(hole, tried, trust=False)

    def _offers(self, hole: Hole) -> list[Offer]:
        assert self.supply is not None  # else there is nothing to look for
        picks = [Path(one.path) for one in self.choices if one.verdict == "pick" and one.concerns(hole.id)]
        offers = self.supply.offers(lambda index: self._questions(hole, index), self.photo)
        known = {offer.path.absolute() for offer in offers}
        return [*(Offer(path) for path in dict.fromkeys(picks) if path.absolute() not in known), *offers]

    def _questions(self, hole: Hole, index: Index) -> list[Query]:
        """Return the object alone and with its surroundings; the background as a whole."""
        settings = index.manifest.features
        if hole.id == BACKGROUND:
            return [query_photo(self.view.rgb, hole.around.to_array(), settings=settings)]
        hidden = dilate(hole.hidden, 1)
        return [
            query_object(self.view.rgb, self.scene, hole.id, hidden=hidden, context=context, settings=settings)
            for context in (True, False)
        ]

    def _reveal(self, hole: Hole, given: list[tuple[ReferenceUsed, Offer, Reference]], *, trust: bool) -> bool:
        """Lay references over a hole; return whether that gave something."""
        found = reveal(self.view, hole, [reference for _, _, reference in given], trust=trust)
        numbers: dict[int, int] = {}
        for place, (picture, offer, reference) in enumerate(given):
            picture = self._pictures.get(picture.key, picture)
            if not picture.thumbnail:
                picture = replace(picture, thumbnail=small_jpeg(reference.rgb))
            trial = Trial(hole.id, offer.probability, _count(found.part, place), found.reasons[place])
            number = self._list(picture, trial)
            if number is not None:
                numbers[place] = number
        if found.part is not None:
            self._parts[hole.id] = recoded(found.part, numbers)
        return found.part is not None

    def _picture(self, offer: Offer) -> ReferenceUsed:
        assert self.supply is not None  # else there is nothing to look at
        try:
            digest = sha256(offer.path)
        except OSError:
            digest = ""
        path = str(offer.path.absolute())
        return ReferenceUsed(path, digest, None, self.supply.credit(offer.path), offer.probability is None)

    def _list(self, picture: ReferenceUsed, trial: Trial) -> int | None:
        """Add a trial to the list; return the number of the reference if pixels are its."""
        listed = self._pictures.get(picture.key, replace(picture, number=None, trials=()))
        listed = replace(listed, named=listed.named or picture.named, thumbnail=listed.thumbnail or picture.thumbnail)
        if trial.pixels and listed.number is None:
            taken = [one.number for one in self._pictures.values() if one.number is not None]
            listed = replace(listed, number=min(len(taken), MOST - 1))
        self._pictures[picture.key] = with_trial(listed, trial)
        return listed.number

    def _load(self, path: Path) -> Reference | str:
        """Return a reference, or why it cannot be one."""
        if path not in self._loaded:
            try:
                reference = reduced(load(path), Size(*self.view.rgb.shape[:2]))
            except InputError as error:
                return f"expected {error.expected}, found {error.found}"
            while len(self._loaded) >= KEPT:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[path] = reference
        reference = self._loaded[path]
        return ITSELF if np.array_equal(reference.rgb, self.view.rgb) else reference


def reduced(reference: Reference, photo: Size) -> Reference:
    """Return a reference without detail that is far finer than the photo's; transforms to it would count as absurd."""
    size = Size(*reference.rgb.shape[:2])
    scale = max(LARGEST_SIDE, TIMES * max(photo)) / max(size)
    if scale >= 1:
        return reference
    window = Window(size.box, Size(*(max(1, round(side * scale)) for side in size)))
    shown = None if reference.shown is None else window.all(Mask.from_array(reference.shown))
    return replace(
        reference, rgb=window.picture(reference.rgb), features=window.features(reference.features), shown=shown
    )


def _count(part: Fill | None, number: int | None) -> int:
    if part is None or number is None:
        return 0
    return int(np.count_nonzero(part.provenance[part.hole] == Provenance.REFERENCE + number))
