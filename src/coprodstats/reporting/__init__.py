"""The reporting room: tables, figures, claims, the document and its renderers, the manifest."""
