package main

const outputsPrefix = "workspaceoutputs/"

// outputsID is the physical ID of a workspace's outputs. A network plan's ID is
// made by netplan.Plan.ID.
func outputsID(workspace string) string { return outputsPrefix + workspace }
