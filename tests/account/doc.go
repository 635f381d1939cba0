// Package account deploys a published version into a real AWS account and
// removes it again. It costs money and takes about half an hour, so it runs
// only with the build tag account and the environment variables that its test
// names; make test compiles it.
package account
