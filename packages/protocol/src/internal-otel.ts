// For the other packages of this project, not for users: these names may change in any release (no semver).

export { beginAtZero, beginEmpty, secondsHistogram, whenUsed } from './metrics.js'
