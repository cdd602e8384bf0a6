# The public Airflow image with this product in it: the same packages, at the same hashes, as the
# lock that the tests run on.
FROM apache/airflow:3.3.2-python3.11 AS base

USER root
# The volumes' folders, owned by the user that fills them; nobody else may look into landing/.
RUN install -d -o airflow -g 0 -m 0755 /opt/onestop /opt/onestop/app \
 && install -d -o airflow -g 0 -m 0700 /opt/onestop/landing \
 && install -d -o airflow -g 0 -m 0750 /opt/onestop/work /opt/onestop/published /opt/onestop/sources \
      /opt/onestop/exports /opt/onestop/record
USER airflow
WORKDIR /opt/onestop/app

COPY --chown=airflow:0 requirements/install.sh requirements/runtime.lock requirements/uv.lock requirements/
RUN UV_COMPILE_BYTECODE=1 requirements/install.sh "$(command -v python)" \
      --no-cache-dir --no-deps --require-hashes -r requirements/runtime.lock \
 && pip check

COPY --chown=airflow:0 pyproject.toml README.md ./
COPY --chown=airflow:0 plugins plugins
COPY --chown=airflow:0 dags dags
COPY --chown=airflow:0 sql sql
COPY --chown=airflow:0 expectations expectations
COPY --chown=airflow:0 docker docker
RUN UV_COMPILE_BYTECODE=1 requirements/install.sh "$(command -v python)" \
      --no-cache-dir --no-deps --no-build-isolation --editable . \
 && python -m compileall -q plugins dags

ENV AIRFLOW__CORE__DAGS_FOLDER=/opt/onestop/app/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/onestop/app/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False \
    GX_ANALYTICS_ENABLED=false \
    PYTHONPATH=/opt/onestop/app/plugins \
    ONESTOP_EXPORTS=/opt/onestop/exports \
    ONESTOP_LANDING=/opt/onestop/landing \
    ONESTOP_PUBLISHED=/opt/onestop/published/onestop.duckdb \
    ONESTOP_SOURCES=/opt/onestop/sources \
    ONESTOP_WORK=/opt/onestop/work \
    ONESTOP_RECORD_FILES=/opt/onestop/record

# The same with Apache Spark and Java: for the master, its workers, and the tasks that compute on them.
FROM base AS spark
USER root
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/*
USER airflow
COPY --chown=airflow:0 requirements/spark.lock requirements/
RUN UV_COMPILE_BYTECODE=1 requirements/install.sh "$(command -v python)" \
      --no-cache-dir --no-deps --require-hashes -r requirements/spark.lock \
 && pip check \
 && ln -s "$(python -c 'import pyspark; print(pyspark.__path__[0])')" /opt/onestop/spark
ENV SPARK_HOME=/opt/onestop/spark

FROM base AS onestop
