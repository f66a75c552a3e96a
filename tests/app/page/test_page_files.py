"""The files of the page: modules that type-check, no inline code, no other host, nothing long."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

STATIC = Path(str(resources.files("deocclude.app"))) / "static"
MODULES = sorted(STATIC.rglob("*.js"))


def name_of(path: Path) -> str:
    return path.relative_to(STATIC).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_checked_and_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("// @ts-check\n/**"), "types are checked, and the first comment says what the module is for"
    assert len(text.splitlines()) <= 400
    hosts = set(re.findall(r"https?://[^\"'`\s]*", text)) - {"http://www.w3.org/2000/svg"}
    assert not hosts
    assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|eval|new Function)\b", text)


def test_the_page_has_no_inline_code():
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\s(style|on\w+)=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "<style" not in text
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


def test_imports_lead_somewhere():
    for path in MODULES:
        for target in re.findall(r"from \"(\.[^\"]+)\"", path.read_text(encoding="utf-8")):
            assert (path.parent / target).is_file(), f"{name_of(path)} imports {target}"


def test_types(tmp_path):
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("no npx: types of the page are not checked")
    tsc = [npx, "--offline", "--yes", "--package", "typescript", "tsc"]
    if subprocess.run([*tsc, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("no TypeScript in npm's cache: types of the page are not checked")
    options = {
        "allowJs": True, "checkJs": True, "noEmit": True, "strict": True, "noUnusedLocals": True, "types": [],
        "target": "ES2022", "module": "ES2022", "moduleResolution": "bundler", "lib": ["ES2022", "DOM", "DOM.Iterable"],
    }  # fmt: skip
    project = tmp_path / "tsconfig.json"
    project.write_text(json.dumps({"compilerOptions": options, "include": [str(STATIC / "js")]}), encoding="utf-8")
    done = subprocess.run([*tsc, "-p", str(project)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
