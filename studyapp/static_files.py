"""Static files under hashed names, ES modules included, so that a browser may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModuleStorage(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True
