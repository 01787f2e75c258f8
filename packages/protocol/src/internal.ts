// For the other packages of this project, not for users: these names may change in any release (no semver).

export { conditionHolds } from './condition/holds.js'
export { endOfHours } from './condition/hours.js'
export { byteLength } from './condition/parse.js'
export { offsetIn } from './condition/wall-clock.js'
export { knowsZones } from './condition/zone.js'
export { asAAuthError, type Evidence, refusal, restated } from './error.js'
export { atMostEvery } from './internal/at-most-every.js'
export { type BoundedMap, boundedMap } from './internal/bounded-map.js'
export { type CauseFacts, causeFacts } from './internal/cause-facts.js'
export {
  checkOption,
  checkOptions,
  checkOptionsOffPage,
  each,
  eachMember,
  nearestName,
  type OptionCheck,
  type OptionChecks,
  type OptionMembers,
  type OptionPlace,
  objectOr,
  offPage,
  restriction,
  wrongOption,
} from './internal/check-options.js'
export { errorFields } from './internal/error-fields.js'
export { compatibleText, foldedName, foldedText, misspeltFrom } from './internal/folded-name.js'
export { foldedPath, shortNameFolders, withoutStreams } from './internal/folded-path.js'
export { freezeJson } from './internal/freeze-json.js'
export { type MeasuredBy, measured, telemetryOpened, toldTo } from './internal/measured.js'
export { corsCheck, identifiersCheck, proxiesCheck } from './internal/shared-checks.js'
export { type SharedMap, sharedMap, type Worth } from './internal/shared-map.js'
export { isShownText, shownText } from './internal/shown-text.js'
export {
  cacheCap,
  checkKeySchedule,
  clockTolerance,
  type KeyPlan,
  type KeySchedule,
  planKeys,
  type ScheduledKey,
} from './key/key-schedule.js'
export { keysNamed, onlyKey } from './key/published-key.js'
export { isTestKey } from './key/test-key.js'
export { checkBodySize } from './message/body-size.js'
export { pageSafety, seeOther } from './message/browser-response.js'
export { checkContentCoding } from './message/content-coding.js'
export { type Cookies, cookiesOf } from './message/cookie.js'
export { createCors, withCors } from './message/cors.js'
export { errorName, nameIn, reasonName } from './message/error-name.js'
export { parseForm, parseQuery } from './message/form.js'
export { type Framing, frameHead, framingFields, framingOf } from './message/framing.js'
export { answerRoute, type Route, type Routes } from './message/route.js'
export { rememberText, textOf, textResponse } from './message/text-response.js'
export {
  botDirectoryPath,
  botDirectoryTag,
  botDirectoryType,
  botHeader,
  botNamed,
  botTag,
} from './message/web-bot.js'
export { documentResponse, jwksResponse, privateResponse } from './metadata/document-response.js'
export { parseEndpoints } from './metadata/endpoints.js'
export { answerUrl, checkRedirectUri } from './metadata/redirect-uri.js'
export { checkIdentifier } from './term/check-identifier.js'
export { schemeOf } from './term/identifier.js'
export { checkIdentifierList, isAmong } from './term/identifier-list.js'
export { identityScopesIn, unionScope } from './term/scope.js'
export { isGrantName, isSafeId } from './token/claims.js'
export { type JsonLimits, parseJson } from './token/json.js'
export { isObject, maxJwsBytes } from './token/jws.js'
export { signJws } from './token/sign-jws.js'
export { invalidToken } from './token/token.js'
