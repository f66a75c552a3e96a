"""A fuzzer reads the OpenAPI description and finds no answer of 500."""

import hypothesis
import pytest
from app_service import TOKEN, client_of, upload
from hypothesis import HealthCheck, Phase

from deocclude.app.workspace import Workspace

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")

EXAMPLES = 20
"""For each of the operations."""


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory, drawn):
    """The description of an app without a worker, its photo, and a client."""
    client = client_of(Workspace(tmp_path_factory.mktemp("fuzz") / "work"))
    photo = upload(client, drawn).rpartition("/")[2]
    description = client.get("/api/openapi.json").json()
    return schemathesis.openapi.from_dict(description), photo, client


def operations(schema):
    found = [result.ok() for result in schema.get_all_operations()]
    # A stream of news never ends; demos are slow to open.
    return [item for item in found if not item.path.endswith("/events")]


def test_no_answer_is_500(fuzzed):
    schema, photo, client = fuzzed
    tried, statuses = 0, set()
    for operation in operations(schema):

        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @hypothesis.given(case=operation.as_strategy())
        def check(case):
            nonlocal tried
            if "photo" in (case.path_parameters or {}) and tried % 4:
                case.path_parameters["photo"] = photo
            if "identity" in (case.path_parameters or {}) and tried % 2:
                case.path_parameters["identity"] = 1
            tried += 1
            sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8000")
            sent["headers"] = {**dict(sent.get("headers") or {}), "X-Deocclude-Token": TOKEN}
            sent.pop("cookies", None)
            answer = client.request(**{key: value for key, value in sent.items() if value is not None})
            statuses.add(answer.status_code)
            assert answer.status_code != 500, (case.method, case.path, answer.text)
            if answer.status_code >= 400:
                assert set(answer.json()["error"]) >= {"code", "message"}

        check()
    assert tried >= 5 * len(operations(schema))
    assert {200, 404, 422} <= statuses
