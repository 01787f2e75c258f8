import { describe } from 'vitest'
import { bodies } from '../../resource/src/suite/bodies.test.fixture.js'
import { decisionCases, messageCases } from '../../resource/src/suite/cases.test.fixture.js'
import { digests } from '../../resource/src/suite/digests.test.fixture.js'
import { documents } from '../../resource/src/suite/responses.test.fixture.js'
import { stages } from '../../resource/src/suite/stage.test.fixture.js'
import { targets } from '../../resource/src/suite/targets.test.fixture.js'
import { checkAdapter } from './check-site.test.fixture.js'
import { gatewayAdapter } from './gateway-site.test.fixture.js'

const stageOf = await stages()

// What holds for a resource in any framework (its package has the same suite) holds behind the gateway.
describe('gateway', () => {
  const stage = stageOf(gatewayAdapter)
  decisionCases(stage)
  messageCases(stage)
})

// The proxy makes the answers, so that what is said of them is not the check's to keep, and answers pages.
describe('check', () => {
  const stage = stageOf(checkAdapter)
  decisionCases(stage)
  bodies(stage)
  digests(stage)
  targets(stage)
  documents(stage)
})
