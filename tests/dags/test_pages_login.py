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


def assert_asked_to_log_in(answer):
    assert answer.status_code == 307
    assert answer.headers["location"] == "/auth/login?next=%2Fonestop%2Funits%3Flevel%3Dcommune"


def test_a_stranger_is_sent_to_the_login_and_back_to_the_page(client):
    answer = client.get("/onestop/units?level=commune")
    assert_asked_to_log_in(answer)


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


def test_a_forged_token_is_refused_and_its_bearer_asked_to_log_in(client, manager):
    log_in(client, manager, "ADMIN")
    token = client.cookies[COOKIE_NAME_JWT_TOKEN]
    client.cookies.set(COOKIE_NAME_JWT_TOKEN, token[:-4] + "aaaa")
    assert_asked_to_log_in(client.get("/onestop/units?level=commune"))


def test_who_was_logged_out_in_another_window_is_asked_to_log_in(client, manager, monkeypatch):
    log_in(client, manager, "ADMIN")
    monkeypatch.setattr(RevokedToken, "is_revoked", lambda _: True)
    assert_asked_to_log_in(client.get("/onestop/units?level=commune"))


def test_a_login_that_has_expired_is_asked_for_again(client, manager):
    user = SimpleAuthManagerUser(username="somebody", role="ADMIN")
    client.cookies.set(
        COOKIE_NAME_JWT_TOKEN, manager.generate_jwt(user, expiration_time_in_seconds=-60)
    )
    assert_asked_to_log_in(client.get("/onestop/units?level=commune"))
