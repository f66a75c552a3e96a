"""Build a reference data set in a folder, shard by shard; killed at any moment it goes on from there.

The folder holds ``plan.json`` (what is being built), the shards, each written whole under its name or not at all, and
at the end ``manifest.json`` with their digests. Without the manifest the set counts as unfinished. Nothing in the
files depends on when, where or by how many processes they were made.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deocclude.datasets.backends import Workers, spread
from deocclude.datasets.labelled_scenes import dataset_name
from deocclude.datasets.reference_dataset import KIND, MANIFEST, PLAN, overlap, read_reference_dataset, shard_name
from deocclude.datasets.reference_making import ShardJob, make_shard
from deocclude.datasets.reference_objects import Source, open_source
from deocclude.datasets.reference_plan import BuildSettings, Plan, make_plan, photos_to_test
from deocclude.datasets.reference_shards import SUFFIX, VERSION, Shard, open_shard
from deocclude.errors import InputError
from deocclude.files import atomic_file, check_output_folder, only_writer, sha256, write_text
from deocclude.references.credit import Credit
from deocclude.stages import Progress

LOCK = ".building"
"""File in the folder that is locked while a process builds there."""


@dataclass(frozen=True)
class Aids:
    """What is used beside the data.

    Attributes:
        references: a folder of pictures or an index to search for references in.
        credits: CSV with the columns ``sha256``, ``source`` and ``licence`` of picture files.
        donors: data sets with masks whose objects hide those of the data; the data's own when there are none, and
            drawn things where it has no masks.
    """

    references: Path | None = None
    credits: Path | None = None
    donors: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuildReport:
    """What a build came to.

    Attributes:
        folder: where the data set lies.
        objects: number of objects, by split.
        references: number of samples, by kind of reference.
        aligned: number of references that could be laid over their photo, by kind.
        considered: objects in the data; those that are hidden several times count once each time.
        failures: objects that are left out, by reason.
        missing: references that are missing from objects that are kept, by reason.
        made: shards made now; the others were there.
        bytes: of all files.
    """

    folder: Path
    objects: dict[str, int]
    references: dict[str, int]
    aligned: dict[str, int]
    considered: int
    failures: dict[str, int]
    missing: dict[str, int]
    made: int
    bytes: int

    @property
    def lost(self) -> float:
        """Share of the objects that are left out."""
        return 1 - sum(self.objects.values()) / max(1, self.considered)


def build_reference_dataset(
    data: Sequence[str | Path],
    folder: Path,
    settings: BuildSettings | None = None,
    *,
    aids: Aids | None = None,
    workers: Workers | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> BuildReport:
    """Build a data set, or go on with one that was interrupted.

    Args:
        data: folders or annotation files, see :func:`deocclude.datasets.reference_objects.open_source`.
        folder: where to write.
        settings: how.
        aids: what is used beside the data.
        workers: who does the work; this process when not given.
        progress: told the name of a step, how much of it is done, and how much there is.
        force: replace another data set in the folder.

    Raises:
        InputError: data that cannot be used, references that show what is tested on, a folder with other things in
            it, or one that another process is building in.
        OutputError: the folder cannot be written.
    """
    settings, tell = settings or BuildSettings(), progress or (lambda step, done, total: None)
    aids, workers = aids or Aids(), workers or Workers()
    settings.check()
    workers.check()
    stated = read_credits_table(aids.credits) if aids.credits else {}
    sources = _read(data, tell)
    donors = _read(aids.donors, tell)
    index, digest = _opened(aids.references, tell) if aids.references else (None, "")
    table = [json.dumps({key: asdict(one) for key, one in sorted(stated.items())})] if stated else []
    plan = make_plan(sources, settings, [*_weights(), digest, *table], donors=donors)
    if index is not None:
        _refuse_overlap(plan, index)
    if not (folder / PLAN).is_file() and list(folder.glob("*")) != [folder / LOCK]:
        check_output_folder(folder, force=force)
    with only_writer(folder / LOCK, "a data set", "wait until it is done, or name another folder with -o"):
        kept = _begin(folder, plan, force=force)
        missing = [number for number in range(len(plan.shards)) if number not in kept]
        jobs = [ShardJob(number, plan.shards[number], settings, plan.fingerprint, index, stated) for number in missing]
        tell("shards", len(kept), len(plan.shards))
        for done, content in enumerate(spread(make_shard, jobs, workers)):
            with atomic_file(folder / shard_name(missing[done])) as part:
                part.write_bytes(content)
            tell("shards", len(kept) + done + 1, len(plan.shards))
        return _finish(folder, plan, [str(one) for one in data], len(missing))


def read_credits_table(path: Path) -> dict[str, Credit]:
    """Return credits by the SHA-256 of the file that they are of.

    Raises:
        InputError: no such file, columns are missing, or a row has no digest.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets begin with a byte order mark
            table = csv.DictReader(file)
            missing = {"sha256", "source", "licence"} - set(table.fieldnames or ())
            if missing:
                raise InputError("the columns sha256, source, licence", f"no {', '.join(sorted(missing))}", file=path)
            return {_row_digest(row, path, table.line_num): Credit(provider=row["source"], licence=row["licence"])
                    for row in table}  # fmt: skip
    except (OSError, ValueError, csv.Error) as error:
        raise InputError("a table of credits (CSV)", str(error), file=path) from None


def _row_digest(row: Mapping[str, str | None], path: Path, line: int) -> str:
    digest = (row["sha256"] or "").strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise InputError("a SHA-256 of 64 digits", repr(row["sha256"] or ""), file=path, field=f"line {line}")
    return digest


def _read(data: Sequence[str | Path], tell: Progress) -> list[Source]:
    sources = []
    for number, one in enumerate(data):
        tell("reading", number, len(data))
        sources.append(open_source(str(one)))
    return sources


def _opened(references: Path, tell: Progress) -> tuple[Path, str]:
    from deocclude.references.library import open_library

    index, _ = open_library(references, progress=tell)
    digests = sorted(picture.sha256 for _, _, picture in index.pictures())
    return index.folder.resolve(), f"{index.manifest.vocabulary} {' '.join(digests)}"


def _weights() -> list[str]:
    from deocclude.weights import weights_path

    return [sha256(weights_path(name)) for name in ("pcnet-m", "pcnet-c")]


def _refuse_overlap(plan: Plan, index: Path) -> None:
    """Refuse an index that holds the very photos that are tested on."""
    from deocclude.references.index import Index

    held = {picture.sha256 for _, _, picture in Index(index).pictures()}
    names = [str(path) for path in photos_to_test(plan) if sha256(path) in held]
    if names:
        raise overlap(index, "references that show no test object", names)


def _begin(folder: Path, plan: Plan, *, force: bool) -> set[int]:
    """Make the folder ready and return the numbers of the shards that are there already.

    Raises:
        InputError: something else is there.
    """
    path = folder / PLAN
    for name in (PLAN, MANIFEST):
        for debris in folder.glob(f".{name}.*"):  # half-written by a process that was killed
            debris.unlink()
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))["fingerprint"]
        except (ValueError, KeyError, TypeError):
            before = "a damaged one"
        if before != plan.fingerprint and not force:
            hint = "pass --force to replace it, or name another folder with -o"
            raise InputError(f"the data set that these options make ({plan.fingerprint})", f"another ({before})",
                             file=folder, hint=hint)  # fmt: skip
    wanted = {shard_name(number): number for number in range(len(plan.shards))}
    kept = set()
    (folder / MANIFEST).unlink(missing_ok=True)
    for file in [*folder.glob(f"shard-*{SUFFIX}"), *folder.glob(f".shard-*{SUFFIX}.*")]:
        if file.name in wanted and _is_ours(file, plan):
            kept.add(wanted[file.name])
        else:
            file.unlink()
    write_text(path, json.dumps({"fingerprint": plan.fingerprint, "shards": len(plan.shards)}) + "\n")
    return kept


def _is_ours(file: Path, plan: Plan) -> bool:
    try:
        shard = open_shard(file)
    except InputError:
        return False
    return shard.header["fingerprint"] == plan.fingerprint and shard.intact()


def _finish(folder: Path, plan: Plan, data: Sequence[str], made: int) -> BuildReport:
    """Write the manifest and return what it says."""
    paths = [folder / shard_name(number) for number in range(len(plan.shards))]
    shards = [open_shard(path) for path in paths]
    failures = sum((Counter(shard.header["failures"]) for shard in shards), plan.failures)
    missing = sum((Counter(shard.header["missing"]) for shard in shards), Counter[str]())
    records = [{"name": path.name, "objects": len(shard.objects), "bytes": path.stat().st_size, "sha256": sha256(path)}
               for path, shard in zip(paths, shards, strict=True)]  # fmt: skip
    counts = _counts(shards)
    content: dict[str, Any] = {
        "kind": KIND,
        "version": VERSION,
        "fingerprint": plan.fingerprint,
        "settings": asdict(plan.settings),
        "data": [dataset_name(one) for one in data],
        "considered": plan.considered,
        **counts,
        "failures": dict(failures.most_common()),
        "missing": dict(missing.most_common()),
        "shards": records,
    }
    write_text(folder / MANIFEST, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    try:
        read_reference_dataset(folder)
    except InputError:
        (folder / MANIFEST).unlink()
        raise
    size = sum(path.stat().st_size for path in paths)
    return BuildReport(folder, **counts, considered=plan.considered, failures=content["failures"],
                       missing=content["missing"], made=made, bytes=size)  # fmt: skip


def _counts(shards: Sequence[Shard]) -> dict[str, dict[str, int]]:
    objects = [item for shard in shards for item in shard.objects]
    references = [reference for item in objects for reference in item["references"]]
    return {
        "objects": dict(sorted(Counter(item["split"] for item in objects).items())),
        "references": dict(sorted(Counter(one["kind"] for one in references).items())),
        "aligned": dict(sorted(Counter(one["kind"] for one in references if one["alignment"]).items())),
    }
