// For the other packages of this project, not for users: these names may change in any release (no semver).

export { type BackedUp, type BackupOptions, backupDatabase } from './backup.js'
export { beginEpoch, type Epoch, epochMigration, openEpoch } from './epoch.js'
export { inGroups } from './groups.js'
export { belongsTo, type KnownKeys, type NamedKeys } from './known-keys.js'
export { isNewDatabase } from './new-database.js'
export { changeByParts, type RestoredRoom, restoreDatabase } from './restore.js'
