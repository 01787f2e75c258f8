// For the other packages of this project, not for users: these names may change in any release (no semver).

export { compareDecimals, decimalOf } from './json/decimal.js'
export { type Place, placesOf } from './json/place.js'
export { type JsonNode, readRequestJson } from './json/read.js'
