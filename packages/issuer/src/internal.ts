// For the other packages of this project, not for users: these names may change in any release (no semver).

export { answering, answerRefusal, restoredResponse } from './answers.js'
export type { IssuerKind } from './kind.js'
export { type Beside, type Issuer, openBeside, openIssuer } from './open-issuer.js'
export { checkKeys, type IssuerKeys, keyEvent, operatorKeys } from './own-keys.js'
