import { describe } from 'vitest'
import { decisionCases, messageCases } from '../../resource/src/suite/cases.test.fixture.js'
import { stages } from '../../resource/src/suite/stage.test.fixture.js'
import { gatewayAdapter } from './gateway-site.test.fixture.js'

const stage = (await stages())(gatewayAdapter)

// What holds for a resource in any framework (its package has the same suite) holds behind the gateway.
describe('gateway', () => {
  decisionCases(stage)
  messageCases(stage)
})
