import type { ConditionType } from '@countersign/conditions'
import { answers, sockets } from './answers.test.fixture.js'
import { approvals } from './approvals.test.fixture.js'
import { authTokens } from './auth-tokens.test.fixture.js'
import { bodies } from './bodies.test.fixture.js'
import { calls } from './calls.test.fixture.js'
import { challenges } from './challenges.test.fixture.js'
import { conditions } from './conditions.test.fixture.js'
import { digests } from './digests.test.fixture.js'
import { hostileRecords } from './hostile-records.test.fixture.js'
import { levels } from './levels.test.fixture.js'
import { limits } from './limits.test.fixture.js'
import { operands } from './operands.test.fixture.js'
import { records } from './records.test.fixture.js'
import { documents, responses, unprocessed } from './responses.test.fixture.js'
import type { Stage } from './stage.test.fixture.js'
import { targets } from './targets.test.fixture.js'

// The suite in parts, so that two processors share it.

/** Who is let in, how often, and what is told of it. */
export function decisionCases(stage: Stage): void {
  levels(stage)
  authTokens(stage)
  limits(stage)
  challenges(stage)
  records(stage)
  hostileRecords(stage)
  unprocessed(stage)
}

/** Where each kind of condition is tried: behind every adapter, or a resource must not say that it enforces the kind. */
export const kinds: Readonly<Record<ConditionType, (stage: Stage) => void>> = {
  resources: conditions,
  scopes: conditions,
  purposes: conditions,
  until: conditions,
  hours: conditions,
  chain: conditions,
  data: answers,
  arguments: operands,
  calls,
  approval: approvals,
}

/** Delegation policies and approvals. */
export function policyCases(stage: Stage): void {
  for (const cases of new Set(Object.values(kinds))) cases(stage)
  sockets(stage)
}

/** Requests and responses on the wire. */
export function messageCases(stage: Stage): void {
  bodies(stage)
  digests(stage)
  targets(stage)
  responses(stage)
  documents(stage)
}
