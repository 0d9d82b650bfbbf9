"""What a service offers: its OpenAPI document, or what stands for one, and where its handlers are."""
