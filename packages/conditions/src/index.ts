export {
  type AAuthError,
  type ApprovalCondition,
  type ArgumentRule,
  type ArgumentsCondition,
  type CallsCondition,
  type ChainCondition,
  type Condition,
  type ConditionOptions,
  type Conditions,
  type ConditionType,
  conditionTypes,
  type DataCondition,
  type HoursCondition,
  type JudgedCondition,
  type JudgedFacts,
  type JudgedType,
  maxConditionBytes,
  maxConditions,
  type PurposesCondition,
  parseConditions,
  type ResourceMetadata,
  type ResourcesCondition,
  type ScopesCondition,
  type UntilCondition,
} from '@countersign/protocol'
export { conflicts, type Difference, differences, implies, type Witness, witness } from './analysis/implies.js'
export { refusedBy } from './analysis/judge-request.js'
export type { ConsideredRequest, Period } from './analysis/request.js'
export { type ExplainOptions, explainCondition } from './explain/explain-condition.js'
export type { Words } from './explain/words.js'
export { meetsArguments } from './json/arguments.js'
export { projectJson, projectValue } from './json/project.js'
export {
  conditionsOf,
  endOf,
  firstUnmet,
  unmetError,
} from './judge.js'
export { narrow } from './narrow.js'
