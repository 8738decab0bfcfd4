# Each target sets itself up: a virtual environment in .venv with the exact versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/.installed
RUN := cd bundle && $(BIN)/python -W ignore -m monai.bundle run
LABEL_VENV := .venv-label
LABEL_BIN := $(CURDIR)/$(LABEL_VENV)/bin
LABEL_INSTALLED := $(LABEL_VENV)/.installed
DEPLOY_VENV := .venv-deploy
DEPLOY_BIN := $(CURDIR)/$(DEPLOY_VENV)/bin
DEPLOY_INSTALLED := $(DEPLOY_VENV)/.installed
LOG := --meta_file configs/metadata.json --logging_file configs/logging.conf

.DEFAULT_GOAL := help
.PHONY: help demo phantom hard-cases label label-env test test-label test-docs test-slow test-deploy zoo-check zoo-package hugging-face coverage api lint format bench bench-latency compare clean

help: ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# MONAI Label and pydicom-seg without their own requirements: these do not go with current packages
$(LABEL_INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(LABEL_VENV)
	$(LABEL_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[label]' hypothesis selenium
	$(LABEL_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps monailabel pydicom-seg
	touch $@

$(DEPLOY_INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "error: MONAI Deploy needs Python 3.11 to 3.13; set PYTHON=...")'
	$(PYTHON) -m venv $(DEPLOY_VENV)
	$(DEPLOY_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[deploy]'
	touch $@

demo: $(INSTALLED) ## Follow four landmarks of a real echocardiogram with the weights as shipped, adapt them without labels, follow again
	$(RUN) inferring --config_file "['configs/inference.json','configs/data/echo_demo.json']" $(LOG) \
	    --output_dir $(CURDIR)/demo_output/at_once
	@echo "Open demo_output/at_once/index.html: these are the weights as shipped; now they are adapted to the clip"
	$(RUN) training --config_file "['configs/train.json','configs/data/echo_demo.json','configs/adapt.json']" $(LOG) \
	    --ckpt_dir $(CURDIR)/demo_output/models --output_dir $(CURDIR)/demo_output
	$(RUN) evaluating --config_file "['configs/evaluate.json','configs/data/echo_demo.json']" $(LOG) \
	    --ckpt_path $(CURDIR)/demo_output/models/model.pt --output_dir $(CURDIR)/demo_output
	$(RUN) inferring --config_file "['configs/inference.json','configs/data/echo_demo.json']" $(LOG) \
	    --ckpt_path $(CURDIR)/demo_output/models/model.pt --output_dir $(CURDIR)/demo_output
	@echo "Open demo_output/index.html, and demo_output/report.html for the errors"

phantom: $(INSTALLED) ## Train on 8 simulated subjects (2 more validate), follow landmarks in 4 others, measure against the truth
	cd bundle && $(BIN)/python -m scripts.data.phantom --output_dir $(CURDIR)/phantom_output/train --subjects 0-9
	cd bundle && $(BIN)/python -m scripts.data.phantom --output_dir $(CURDIR)/phantom_output/test --subjects 10-13
	$(RUN) training --config_file "['configs/train.json','configs/data/phantom.json']" $(LOG) \
	    --dataset_dir $(CURDIR)/phantom_output/train --ckpt_dir $(CURDIR)/phantom_output/models \
	    --output_dir $(CURDIR)/phantom_output --resume False
	$(RUN) evaluating --config_file "['configs/evaluate.json','configs/data/phantom.json']" $(LOG) \
	    --dataset_dir $(CURDIR)/phantom_output/test --ckpt_path $(CURDIR)/phantom_output/models/model.pt \
	    --validation_dir $(CURDIR)/phantom_output/train --output_dir $(CURDIR)/phantom_output \
	    --validation_truth $(CURDIR)/phantom_output/train/tracks.csv
	$(RUN) inferring --config_file "['configs/inference.json','configs/data/phantom.json']" $(LOG) \
	    --dataset_dir $(CURDIR)/phantom_output/test --ckpt_path $(CURDIR)/phantom_output/models/model.pt \
	    --output_dir $(CURDIR)/phantom_output
	@echo "Open phantom_output/index.html, and phantom_output/report.html for the errors"

hard-cases: $(INSTALLED) ## Train on simulated subjects with swapped contrast too, follow landmarks through jumps, noise, absence and more
	cd bundle && $(BIN)/python -m scripts.data.phantom --output_dir $(CURDIR)/phantom_output/train --subjects 0-9
	$(RUN) training --config_file "['configs/train.json','configs/data/phantom.json','configs/augment/tracking.json']" $(LOG) \
	    --dataset_dir $(CURDIR)/phantom_output/train --ckpt_dir $(CURDIR)/phantom_output/hard_cases \
	    --output_dir $(CURDIR)/phantom_output/hard_cases --resume False --max_epochs 60 --val_interval 20
	PYTHONPATH=bundle $(BIN)/python -W ignore benchmarks/hard_cases.py

label-env: $(LABEL_INSTALLED) ## Set up MONAI Label, in an environment of its own (.venv-label, 3 GB)

label_demo: | $(LABEL_INSTALLED)
	cd bundle && $(LABEL_BIN)/python -W ignore -m label_app.demo_images --output_dir $(CURDIR)/label_demo

# the weights as shipped with the config that they are for; weights of your own with yours
label: $(LABEL_INSTALLED) $(if $(STUDIES),,label_demo) ## Annotate the demo's images in the browser, or STUDIES=DIR; CKPT=FILE and CONFIG=FILE for other weights
	PYTHONPATH=bundle $(LABEL_BIN)/python -W ignore -m label_app --studies "$${STUDIES:-label_demo}" \
	    --ckpt_path "$${CKPT:-bundle/models/$(if $(STUDIES),model,model_series).pt}" \
	    $(if $(CONFIG)$(if $(CKPT),,shipped),--config_file "$${CONFIG:-bundle/configs/data/$(if $(STUDIES),chest_xray,echo_demo).json}")

test: $(INSTALLED) ## Run the fast tests, in two processes of one thread
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile --ignore tests/zoo --ignore tests/docs

test-docs: $(INSTALLED) ## Run every code block of the README and of bundle/docs, in a copy of the tree
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/docs

test-label: $(LABEL_INSTALLED) ## Run the tests of the MONAI Label app
	PYTHONPATH=bundle:bundle/label_app $(LABEL_BIN)/python -m pytest -m "not slow" tests/label_app

zoo-check: $(INSTALLED) ## Check what MONAI's Model Zoo asks of the bundle; ZOO_SCHEMA=FILE adds its schema of metadata.json
	$(BIN)/black --check --quiet bundle
	$(BIN)/isort --check bundle
	$(BIN)/flake8 --max-line-length 120 --extend-ignore E203,W503 --per-file-ignores bundle/label_app/main.py:E402 bundle
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile tests/zoo $(if $(ZOO_SCHEMA),--zoo_schema $(ZOO_SCHEMA))

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
ZIP ?= $(CURDIR)/landmark_template_matching_v$(VERSION).zip
zoo-package: ## Write the bundle, as committed, as the zip that the Model Zoo shares
	cd bundle && git archive --format=zip --prefix=landmark_template_matching/ --output=$(ZIP) HEAD

hugging-face: $(INSTALLED) ## Write the folders for Hugging Face and for a zoo that fetches the weights there; REPO=owner/name
	$(MAKE) -s zoo-package ZIP=$(CURDIR)/hugging_face.zip
	trap 'rm -f hugging_face.zip' EXIT; $(BIN)/python release/hugging_face.py --package hugging_face.zip \
	    --repo $(or $(REPO),$(error REPO=owner/name is missing)) --output_dir hugging_face

test-slow: $(INSTALLED) ## Run the tests that train until convergence
	$(BIN)/python -m pytest -m slow

test-deploy: $(DEPLOY_INSTALLED) ## Run the example application of MONAI Deploy, in an environment of its own (.venv-deploy, 3 GB)
	OMP_NUM_THREADS=1 $(DEPLOY_BIN)/python -m pytest tests/examples

coverage: $(INSTALLED) ## Run the fast tests and tell which lines of bundle/scripts they reach; open coverage/index.html
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile \
	    --cov --cov-report term --cov-report html:coverage

api: $(INSTALLED) ## Make the pages of the Python API; open api/html/index.html
	rm -rf api/packages
	$(BIN)/sphinx-build -E -W --keep-going -q -b html -d api/doctrees api api/html

lint: $(INSTALLED) ## Check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED) ## Mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## Measure speed: matching beside a classical method, training beside its limit, the cyclic error
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	PYTHONPATH=bundle $(BIN)/python -W ignore benchmarks/matching.py
	PYTHONPATH=bundle $(BIN)/python -W ignore benchmarks/training_throughput.py
	PYTHONPATH=bundle $(BIN)/python -W ignore benchmarks/cyclic.py

bench-latency: $(INSTALLED) ## Measure the tracker's milliseconds a frame beside the naive way, ONNX Runtime and OpenCV's trackers
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	PYTHONPATH=bundle $(BIN)/python -W ignore benchmarks/latency.py --profile --repeats 30

compare: $(INSTALLED) ## Compare with trackers, registration and the paper's baselines on simulated subjects (13 minutes on 2 cores)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	PYTHONPATH=bundle $(BIN)/python -W ignore benchmarks/landmarks.py --small --output_dir $(CURDIR)/comparison

WRITTEN := demo_output label_demo phantom_output comparison coverage .coverage api/doctrees api/html api/packages hugging_face
clean: ## Remove what demo, label, phantom, compare, coverage, api and hugging-face wrote; never annotations
	@for written in $(WRITTEN); do \
	    if find "$$written" -path '*/.landmarks/*.json' 2>/dev/null | grep -q .; then \
	        echo "$$written is kept: there are annotations in it, in a folder .landmarks"; \
	    else rm -rf "$$written"; fi; \
	done
