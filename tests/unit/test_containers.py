"""The containers get every setting of the product, where it is needed."""

from __future__ import annotations

import os
import re

import pytest
import yaml
from shared_stores import BUCKET, object_store

from onestop.schema.project import PROJECT_ROOT
from onestop.settings import VARIABLES
from onestop.storage import put, store_at, text_of

COMPOSE = PROJECT_ROOT / "docker-compose.yaml"
#: Settings that the containers do not pass, and why. Logins of exports are in Airflow's Connection
#: onestop_exports.
NOT_PASSED = {
    "ONESTOP_VAR": "each folder is set on its own",
    "ONESTOP_LOCAL_LAST_NIGHT": "of the local Airflow",
    "ONESTOP_LOCAL_PRELOAD": "of the local Airflow",
    "ONESTOP_EXPORTS_PASSWORD": "of a Connection",  # pragma: allowlist secret
    "ONESTOP_EXPORTS_KEY_FILE": "idem",
    "ONESTOP_EXPORTS_KNOWN_HOSTS": "idem",
}
#: Only commands that a person enters in the scheduler's container read these.
BY_HAND = {"ONESTOP_PROVINCE", "ONESTOP_PACKAGE_KEY"}
#: Services whose processes read the settings: of tasks, of pages, and of DAG files.
RUN_TASKS = ("scheduler", "worker")
SERVICES = (*RUN_TASKS, "api-server", "dag-processor")
#: The DAG files name no warehouse.
WITHOUT_WAREHOUSE = ("dag-processor",)


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]


@pytest.fixture(scope="module")
def of_image():
    text = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8")
    return dict(re.findall(r"^(?:ENV|   ) (\w+)=([^\s\\]+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def examples():
    text = (PROJECT_ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def mounts(service):
    """Folders in the container, with what is mounted there."""
    return {line.split(":/", 1)[1].split(":")[0]: line for line in service["volumes"]}


def test_all_files_of_the_image_are_given_to_the_builder():
    def lines(name):
        return (PROJECT_ROOT / name).read_text(encoding="utf-8").splitlines()

    given = {line[1:] for line in lines(".dockerignore") if line.startswith("!")}
    copied = [line.split()[2:-1] for line in lines("Dockerfile") if line.startswith("COPY --chown")]
    assert {file for files in copied for file in files} == given


@pytest.mark.parametrize("name", SERVICES)
def test_every_setting_of_the_product_is_passed(services, of_image, name):
    passed = services[name]["environment"].keys() | of_image.keys()
    wanted = VARIABLES - NOT_PASSED.keys()
    wanted -= BY_HAND if name != "scheduler" else set()
    wanted -= {"ONESTOP_WAREHOUSE"} if name in WITHOUT_WAREHOUSE else set()
    assert wanted - passed == set()
    assert passed & NOT_PASSED.keys() == set()


def test_the_containers_pass_no_setting_that_the_product_does_not_know(services, of_image):
    passed = {
        name
        for settings in (of_image, *(one.get("environment", {}) for one in services.values()))
        for name in settings
        if name.startswith("ONESTOP_")
    }
    assert passed - VARIABLES == set()


def test_every_folder_that_a_setting_names_is_mounted_where_tasks_run(services, of_image):
    for name in RUN_TASKS:
        settings = {**of_image, **services[name]["environment"]}
        paths = [
            path
            for variable, value in settings.items()
            if variable.startswith(("ONESTOP_", "AWS_"))
            for path in re.findall(r"(/opt/onestop/\w+)", str(value))
        ]
        assert set(paths) - {f"/{path}" for path in mounts(services[name])} == set(), name


def test_the_pages_have_a_login_of_their_own_to_the_store(services):
    of_tasks = {mounts(services[name])["opt/onestop/store"] for name in RUN_TASKS}
    of_pages = mounts(services["api-server"])["opt/onestop/store"]
    assert len(of_tasks) == 1
    assert of_pages not in of_tasks
    others = services.keys() - {*RUN_TASKS, "api-server"}
    mounted = {name: mounts({"volumes": [], **services[name]}) for name in others}
    assert [name for name in others if "opt/onestop/store" in mounted[name]] == []


def test_the_registry_of_provinces_is_mounted_where_the_dags_are_read(services):
    for name in (*RUN_TASKS, "dag-processor"):
        assert "opt/onestop/settings" in mounts(services[name]), name


def test_the_example_of_settings_is_complete_and_has_the_defaults(examples):
    text = COMPOSE.read_text(encoding="utf-8")
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))
    of_compose_itself = {"COMPOSE_PROFILES"}
    of_builds = {"IMAGE", "BUILD_NETWORK"}
    assert examples.keys() - of_compose_itself == used.keys() - of_builds
    assert {name: used[name] for name in examples if name in used} == {
        name: value for name, value in examples.items() if name in used
    }


def test_one_file_holds_address_and_login_of_the_store(tmp_path, monkeypatch):
    with object_store() as variables:
        config = tmp_path / "config"
        config.write_text(
            f"[default]\nendpoint_url = {variables['AWS_ENDPOINT_URL']}\nregion = us-east-1\n"
            "aws_access_key_id = key\naws_secret_access_key = secret\n",  # pragma: allowlist secret
            encoding="utf-8",
        )
        for name in list(os.environ):
            if name.startswith("AWS_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        put(store_at(f"s3://{BUCKET}/containers") / "note", b"text")
        assert text_of(store_at(f"s3://{BUCKET}/containers") / "note") == "text"


def test_every_service_that_stays_up_is_checked(services):
    """Compose waits for the health of each (``up --wait``), and fails for one without a check."""
    for name, service in services.items():
        stays_up = service.get("restart", "no") != "no"
        assert bool(service.get("healthcheck", {}).get("test")) == stays_up, name
