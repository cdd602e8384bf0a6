# Everything a newcomer types. `make` alone explains; `make demo` shows.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements/runtime.lock requirements/dev.lock
INSTALL := requirements/install.sh
INSTALLED := $(VENV)/installed
# The first Python on this machine that is new enough; `make setup PYTHON=…` overrides.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# Python keeps what it compiled, so that the next process, of which Airflow starts many, reads it.
unexport PYTHONDONTWRITEBYTECODE
# How many dossiers the benchmark counts.
DOSSIERS ?= 200000
# More for pytest: make test ARGS="-k night -x"
ARGS ?=
# A file's tests share what they start from and stay together; the files go in the order of their
# folders, where the longest come first and the shortest last, so that no processor waits at the end.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo demo-nation up airflow test test-airflow test-long check secrets audit bench docs notebooks \
	schema setup-spark setup-celery spark-cluster lock clean

# In Vietnamese, or in English where LANG_UI or the system's language is English.
help:
	@case "$${LANG_UI:-$${LC_ALL:-$${LC_MESSAGES:-$$LANG}}}" in [eE][nN]*) \
		echo 'make demo        sample exports -> eleven nights in a real Airflow -> the scorecard'; \
		echo '                 (LANG_UI=vi for Vietnamese; nothing but Python 3.11 and make needed)'; \
		echo 'make demo-nation  63 invented provinces send packages, and a national office adds them up'; \
		echo 'make up          Airflow with its web pages on that same data, until Ctrl-C'; \
		echo 'make airflow     the command of Airflow for it     make airflow ARGS="dags list"'; \
		echo 'make test        the tests, in some minutes          make test ARGS="-k night -x"'; \
		echo 'make test-airflow  nights through a real Airflow, in some minutes more'; \
		echo 'make test-long   all of these and the longest, with more examples; takes hours'; \
		echo 'make check       lint, format, types, SQL, secrets in files, known vulnerabilities'; \
		echo 'make audit       known vulnerabilities of the packages; fails when nobody can be asked'; \
		echo 'make bench       what each step costs            make bench DOSSIERS=1500000'; \
		echo 'make docs        write feeds.md, mapping.md and dictionary.md in docs/ anew from what they describe'; \
		echo 'make notebooks   run docs/notebooks on the data of make demo and keep their outputs'; \
		echo 'make schema      write the next schema file for columns that are new in feeds.py'; \
		echo 'make setup       only install into .venv/; the others call it'; \
		echo 'make setup-spark  Apache Spark too, for ONESTOP_COMPUTE; needs Java 17 when it runs'; \
		echo 'make setup-celery  Celery too, for the test of workers on machines of their own (redis-server, root)'; \
		echo 'make spark-cluster  a Spark master and two workers on this machine, until Ctrl-C'; \
		echo 'make lock        compile requirements/*.in into hash locks'; \
		echo 'make clean       remove .venv/, caches and var/demo/; your own data under var/ stays' ;; *) \
		echo 'make demo        tệp xuất mẫu -> mười một đêm trong Airflow thật -> bảng chỉ tiêu'; \
		echo '                 (LANG_UI=en cho tiếng Anh; chỉ cần Python 3.11 và make)'; \
		echo 'make demo-nation  63 tỉnh giả định gửi gói số liệu, cơ quan trung ương cộng lại'; \
		echo 'make up          Airflow với các trang web trên cùng số liệu đó, đến khi bấm Ctrl-C'; \
		echo 'make airflow     lệnh của chính Airflow đó           make airflow ARGS="dags list"'; \
		echo 'make test        các phép thử, vài phút               make test ARGS="-k night -x"'; \
		echo 'make test-airflow  các đêm qua Airflow thật, thêm vài phút'; \
		echo 'make test-long   tất cả phép thử, cả những phép lâu nhất, với nhiều ví dụ hơn; mất nhiều giờ'; \
		echo 'make check       kiểm tra mã, định dạng, kiểu, SQL, bí mật trong tệp, lỗ hổng đã biết'; \
		echo 'make audit       lỗ hổng đã biết của các gói phần mềm; báo lỗi khi không hỏi được nguồn nào'; \
		echo 'make bench       mỗi bước tốn bao nhiêu               make bench DOSSIERS=1500000'; \
		echo 'make docs        viết lại feeds.md, mapping.md và dictionary.md trong docs/ từ những gì chúng mô tả'; \
		echo 'make notebooks   chạy docs/notebooks trên số liệu của make demo và giữ kết quả'; \
		echo 'make schema      viết tệp lược đồ tiếp theo cho các cột mới trong feeds.py'; \
		echo 'make setup       chỉ cài đặt vào .venv/; các lệnh khác tự gọi'; \
		echo 'make setup-spark  cài thêm Apache Spark, cho ONESTOP_COMPUTE; khi chạy cần Java 17'; \
		echo 'make setup-celery  cài thêm Celery, cho phép thử với các máy làm việc riêng (cần redis-server, quyền root)'; \
		echo 'make spark-cluster  một máy chủ Spark và hai máy tính toán trên máy này, đến khi bấm Ctrl-C'; \
		echo 'make lock        khóa phiên bản các gói trong requirements/*.in kèm mã băm'; \
		echo 'make clean       xóa .venv/, bộ nhớ đệm và var/demo/; số liệu của bạn trong var/ còn nguyên' ;; esac

setup: $(INSTALLED)

# Apache Spark too: an optional extra, with its own lock.
setup-spark: setup
	@$(INSTALL) $(BIN)/python --require-hashes --no-deps -r requirements/spark.lock

# The Celery provider too, which the public image has: only a test needs it here.
setup-celery: setup
	@$(INSTALL) $(BIN)/python --require-hashes --no-deps -r requirements/celery.lock

$(INSTALLED): $(LOCKS) requirements/uv.lock $(INSTALL) pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed and not on the PATH;" \
		"install it, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is older than Python 3.11" >&2; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@echo "Installing $$(cat $(LOCKS) | grep -c '==') packages into $(VENV)/ ..."
	@$(INSTALL) $(BIN)/python --require-hashes --no-deps $(LOCKS:%=-r %)
	@$(INSTALL) $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	@$(BIN)/python -m onestop.local.demo demo

demo-nation: setup
	@$(BIN)/python -m onestop.local.demo_nation

up: setup
	@$(BIN)/python -m onestop.local.demo up

airflow: setup
	@$(BIN)/python -m onestop.local.demo airflow $(ARGS)

test: setup
	$(PYTEST) -m 'not slow and not airflow' $(ARGS)

test-airflow: setup
	$(BIN)/python -m pytest -m 'airflow and not slow' tests/integration $(ARGS)

test-long: setup
	HYPOTHESIS_PROFILE=long $(PYTEST) $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@$(BIN)/python sql/check.py
	@$(MAKE) --no-print-directory secrets
	@$(BIN)/python requirements/audit.py --lenient

# Every file that is or could be committed; the baseline holds settings and no finding.
secrets: setup
	@{ git ls-files -co --exclude-standard 2>/dev/null \
		|| find . -type f -not -path './.*/*' -not -path './var/*'; } \
		| xargs -d '\n' $(BIN)/detect-secrets-hook --no-verify --baseline .secrets.baseline && echo 'no secrets in the files'

audit: setup
	@$(BIN)/python requirements/audit.py

bench: setup
	$(BIN)/python tests/benchmarks/bench_night.py --dossiers $(DOSSIERS) $(ARGS)

docs: setup
	$(BIN)/python -m onestop.upkeep.feed_docs
	$(BIN)/python -m onestop.upkeep.mapping_docs
	$(BIN)/python -m onestop.upkeep.table_docs

notebooks: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" ONESTOP_VAR="$(CURDIR)/var/demo" $(BIN)/jupyter execute --inplace docs/notebooks/*.ipynb

schema: setup
	$(BIN)/python -m onestop.upkeep.record_schema

lock: setup
	for name in uv runtime dev spark celery; do $(BIN)/python -m uv pip compile --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet \
		requirements/$$name.in -o requirements/$$name.lock || exit 1; done

spark-cluster: setup
	@$(BIN)/python -m onestop.local.spark_cluster $(ARGS)

clean:
	rm -rf $(VENV) var/demo var/demo-nation .pytest_cache .mypy_cache .ruff_cache .hypothesis plugins/*.egg-info
