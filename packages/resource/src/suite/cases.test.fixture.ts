import { authTokens } from './auth-tokens.test.fixture.js'
import { bodies } from './bodies.test.fixture.js'
import { challenges } from './challenges.test.fixture.js'
import { digests } from './digests.test.fixture.js'
import { hostileRecords } from './hostile-records.test.fixture.js'
import { levels } from './levels.test.fixture.js'
import { limits } from './limits.test.fixture.js'
import { records } from './records.test.fixture.js'
import { documents, responses, unprocessed } from './responses.test.fixture.js'
import type { Stage } from './stage.test.fixture.js'
import { targets } from './targets.test.fixture.js'

// The suite in two halves, so that two processors share it.

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

/** What comes over the wire, and what goes back. */
export function messageCases(stage: Stage): void {
  bodies(stage)
  digests(stage)
  targets(stage)
  responses(stage)
  documents(stage)
}
