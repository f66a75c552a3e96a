"""Entry point of the ``deocclude`` command: the tree of commands and what happens to errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from deocclude import __version__
from deocclude.cli import app as browser_app
from deocclude.cli import build_dataset, console, edit, evaluate, index, references, search, take_apart, train
from deocclude.cli.options import convert_named
from deocclude.errors import DeoccludeError

app = App(
    name="deocclude",
    help="Take a photo apart into whole objects, hidden parts included.\n\n"
    "Start with 'deocclude demo', or with 'deocclude run PHOTO --masks MASKS'.",
    version=__version__,
    default_parameter=Parameter(negative=(), converter=convert_named),
    console=console.OUT,
    suppress_keyboard_interrupt=False,
)
take_apart.register(app)
edit.register(app)
evaluate.register(app)
index.register(app)
references.register(app)
search.register(app)
build_dataset.register(app)
train.register(app)
browser_app.register(app)
app.register_install_completion_command()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return the exit code: 0 done, 2 bad input, 130 interrupted."""
    try:
        result = app(list(sys.argv[1:] if arguments is None else arguments), exit_on_error=False, print_error=False,
                     result_action="return_value")  # fmt: skip
    except UnusedCliTokensError as error:
        rest = " ".join(error.unused_tokens or ())
        console.fail(f"expected nothing more, found {rest}; repeat an option to give it several values")
        return 2
    except CycloptsError as error:
        console.fail(" ".join(str(error).split()))
        return 2
    except DeoccludeError as error:
        console.fail(str(error))
        return error.exit_code
    except BrokenPipeError:
        sys.stdout = None  # whoever read us has gone; say nothing at exit either
        return 0
    except OSError as error:  # a name too long, a folder that may not be entered, a device that fails
        console.fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 2
    except RuntimeError as error:  # what pathlib makes of links that lead to each other, before Python 3.13
        if not str(error).startswith("Symlink loop"):
            raise
        console.fail(str(error))
        return 2
    except KeyboardInterrupt:
        console.fail("interrupted; what was written before is unchanged")
        return 130
    return result if isinstance(result, int) else 0
