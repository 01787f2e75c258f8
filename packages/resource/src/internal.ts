// For the other packages of this project, not for users: these names may change in any release (no semver).

export { projectJson } from '@countersign/conditions'
export { shownResponse } from './adapter/adapter.js'
export { hasJudgedBody, maxAnswerBytes } from './answer/answer-rule.js'
export { hindersProjection } from './answer/whole-answer.js'
export { interactionRoom } from './downstream/interaction-sessions.js'
export { isDenied } from './guard/deny.js'
export { besideOf } from './guard/web-bot.js'
export { grantKey, revocationTolerance } from './revocation/revocation-set.js'
export { type Seals, sealsOf } from './seal.js'
