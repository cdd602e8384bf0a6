"""The Kubernetes values have the keys and types that the official Airflow chart takes.

What the chart takes is stated here for the keys that the file uses, as read in its
``values.schema.json`` (apache/airflow, commit 002e5532, where Airflow 3.0.5 is the default). Later
releases up to 1.22 added keys, and call some of ``workers`` deprecated, which they still take. No
Helm rendered the file.
"""

from __future__ import annotations

import copy
import re

import jsonschema
import pytest
import yaml

from onestop.schema.project import PROJECT_ROOT
from onestop.settings import VARIABLES

TEXT = (PROJECT_ROOT / "docker" / "kubernetes" / "values.yaml").read_text(encoding="utf-8")


def closed(**keys):
    """A section that takes no other key."""
    return {"type": "object", "properties": keys, "additionalProperties": False}


def opened(**keys):
    """A section of which only these keys were looked up."""
    return {"type": "object", "properties": keys}


STRING, BOOLEAN, INTEGER = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
NAME = {"type": ["string", "null"]}
QUANTITIES = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}
#: Variables of all pods: values only. Those of one kind of pod may be read from a Secret.
ENV = {
    "type": "array",
    "items": {**closed(name=STRING, value=STRING), "required": ["name", "value"]},
}
SECRET_KEY = {**closed(name=STRING, key=STRING, optional=BOOLEAN), "required": ["key"]}
ENV_OF_PODS = {
    "type": "array",
    "items": {
        **closed(
            name=STRING,
            value=STRING,
            valueFrom={**opened(secretKeyRef=SECRET_KEY), "required": ["secretKeyRef"]},
        ),
        "required": ["name"],
        "anyOf": [{"required": ["value"]}, {"required": ["valueFrom"]}],
    },
}
TAKEN = closed(
    airflowVersion=STRING,
    apiSecretKeySecretName=NAME,
    apiServer=opened(env=ENV_OF_PODS),
    config={
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": {"type": ["boolean", "number", "string"]},
        },
    },
    createUserJob=opened(defaultUser=opened(enabled=BOOLEAN)),
    dags=closed(persistence=opened(enabled=BOOLEAN), gitSync=opened(enabled=BOOLEAN)),
    data=closed(metadataSecretName=NAME, resultBackendSecretName=NAME),
    env=ENV,
    executor=STRING,
    fernetKeySecretName=NAME,
    images=opened(airflow=closed(repository=NAME, tag=NAME, digest=NAME, pullPolicy=STRING)),
    jwtSecretName=NAME,
    postgresql=opened(enabled=BOOLEAN),
    triggerer=opened(persistence=opened(enabled=BOOLEAN)),
    workers=closed(
        env=ENV_OF_PODS,
        persistence=opened(enabled=BOOLEAN),
        replicas=INTEGER,
        resources=closed(requests=QUANTITIES, limits=QUANTITIES),
        terminationGracePeriodSeconds=INTEGER,
    ),
)


@pytest.fixture
def values():
    return copy.deepcopy(yaml.safe_load(TEXT))


def refusals(values):
    return [error.json_path for error in jsonschema.Draft7Validator(TAKEN).iter_errors(values)]


def test_the_chart_takes_every_key_with_a_value_of_its_type(values):
    assert refusals(values) == []


def changed(values, path, value):
    *folders, last = path
    for step in folders:
        values = values[step]
    values[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("env", 0, "value"), True),
        (("env", 0, "valueFrom"), {"secretKeyRef": {"name": "a", "key": "b"}}),
        (("workers", "env", 0), {"name": "ONESTOP_WAREHOUSE"}),
        (("workers", "replica"), 2),
        (("workers", "terminationGracePeriodSeconds"), "600"),
        (("images", "airflow", "tag"), 1),
        (("fernetKeySecret",), "onestop-keys"),
        (("config", "celery"), "worker_concurrency=2"),
    ],
)
def test_what_the_chart_would_refuse_is_noticed(values, path, value):
    changed(values, path, value)
    assert refusals(values)


def variables(pods):
    return {one["name"]: one.get("valueFrom", {}).get("secretKeyRef") for one in pods["env"]}


def test_every_setting_is_one_of_the_product(values):
    named = {
        name
        for pods in (values, values["workers"], values["apiServer"])
        for name in variables(pods)
        if name.startswith("ONESTOP_")
    }
    assert {"ONESTOP_STORE", "ONESTOP_EXPORTS", "ONESTOP_WAREHOUSE"} <= named <= VARIABLES


def test_the_pages_do_not_get_the_logins_of_the_workers(values):
    of_workers, of_pages = variables(values["workers"]), variables(values["apiServer"])
    assert of_workers.keys() == of_pages.keys()
    assert {key["name"] for key in of_workers.values()} == {"onestop-writer"}
    assert {key["name"] for key in of_pages.values()} == {"onestop-reader"}


def test_no_user_with_a_known_password_is_made(values):
    assert values["createUserJob"]["defaultUser"]["enabled"] is False
    managers = [one["value"] for one in values["env"] if one["name"].endswith("AUTH_MANAGER")]
    assert [name.rsplit(".", 1)[-1] for name in managers] == ["FabAuthManager"]


def test_the_document_lists_every_secret_with_its_keys(values):
    text = (PROJECT_ROOT / "docs" / "scale-workers.md").read_text(encoding="utf-8")
    listed = {}
    for line in re.findall(r"^\| (`onestop-.*) \|$", text, re.MULTILINE):
        names, keys = line.split("|", 1)
        for name in re.findall(r"`([\w-]+)`", names):
            listed[name] = set(re.findall(r"`([\w-]+)`", keys))
    used = {
        values["data"]["metadataSecretName"]: {"connection"},
        values["data"]["resultBackendSecretName"]: {"connection"},
    }
    for name, key in (
        ("fernetKeySecretName", "fernet-key"),
        ("apiSecretKeySecretName", "api-secret-key"),
        ("jwtSecretName", "jwt-secret"),
    ):
        used.setdefault(values[name], set()).add(key)
    for pods in ("workers", "apiServer"):
        for ref in variables(values[pods]).values():
            used.setdefault(ref["name"], set()).add(ref["key"])
    for name, keys in used.items():
        assert keys <= listed[name], name
    assert used.keys() == listed.keys()
