"""Airflow's login before the pages: the plugin's application, with tokens of the auth manager."""

from __future__ import annotations

import secrets

import pytest
from airflow.api_fastapi.app import create_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.models.revoked_token import RevokedToken
from fastapi import FastAPI
from web_site import TestClient, publish_site

import onestop_plugin
from onestop import airflow_adapter


@pytest.fixture(scope="module")
def site(kept, tmp_path_factory):
    return kept.copy(publish_site, tmp_path_factory.mktemp("site") / "var")


@pytest.fixture
def manager(monkeypatch):
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", secrets.token_hex(32))
    monkeypatch.setattr(RevokedToken, "is_revoked", lambda _: False)  # these tests have no database
    manager = create_auth_manager()
    assert isinstance(manager, SimpleAuthManager)
    for cached in ("_get_token_signer", "_get_token_validator"):
        getattr(manager, cached).cache_clear()
    return manager


@pytest.fixture
def client(site, manager, monkeypatch):  # noqa: ARG001 - asked by the application
    monkeypatch.setattr(airflow_adapter, "settings_of_task", lambda: site)
    outer = FastAPI()
    for mounted in onestop_plugin.OneStopPlugin.fastapi_apps:
        outer.mount(mounted["url_prefix"], onestop_plugin._Pages())
    return TestClient(outer, follow_redirects=False)


def log_in(client, manager, role):
    user = SimpleAuthManagerUser(username="somebody", role=role)
    client.cookies.set(COOKIE_NAME_JWT_TOKEN, manager.generate_jwt(user))


def test_a_stranger_is_sent_to_the_login_and_back_to_the_page(client):
    answer = client.get("/onestop/units?level=commune")
    assert answer.status_code == 307
    assert "next=" in answer.headers["location"]
    assert "units" in answer.headers["location"]


@pytest.mark.parametrize(
    ("role", "nights"), [("VIEWER", 403), ("USER", 403), ("OP", 200), ("ADMIN", 200)]
)
def test_everyone_logged_in_sees_figures_and_only_some_roles_the_record(
    client, manager, role, nights
):
    log_in(client, manager, role)
    for page in ("/onestop/", "/onestop/units", "/onestop/figure", "/onestop/style.css"):
        assert client.get(page).status_code == 200, page
    for page in ("/onestop/nights", "/onestop/audit", "/onestop/reports/index.html"):
        assert client.get(page).status_code == nights, page
    assert ('href="nights"' in client.get("/onestop/").text) == (nights == 200)


def test_a_forged_token_is_refused(client, manager):
    log_in(client, manager, "ADMIN")
    token = client.cookies[COOKIE_NAME_JWT_TOKEN]
    client.cookies.set(COOKIE_NAME_JWT_TOKEN, token[:-4] + "aaaa")
    assert client.get("/onestop/").status_code == 403
