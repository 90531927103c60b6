"""Deploys what `sam build` left to a stand-in for AWS, and uses it: `infra/deploy-local`."""
