"""GitHub as a step of a workflow meets it: event, inputs, commands to the runner, REST API."""
