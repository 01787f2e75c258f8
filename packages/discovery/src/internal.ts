// For the other packages of this project, not for users: these names may change in any release (no semver).

export { directoryOf, type MetadataParsers } from './directory.js'
export { type DocumentAt, documentAt } from './document-at.js'
export { shareSite } from './share-site.js'
