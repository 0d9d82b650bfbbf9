"""Other engines that attack the service: what they are told, and what their reports say in our terms."""
