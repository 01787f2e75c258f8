import { describe } from 'vitest'
import { policyCases } from '../../resource/src/suite/cases.test.fixture.js'
import { stages } from '../../resource/src/suite/stage.test.fixture.js'
import { checkAdapter } from './check-site.test.fixture.js'
import { gatewayAdapter } from './gateway-site.test.fixture.js'

const stageOf = await stages()

describe.each([gatewayAdapter, checkAdapter])('$name', adapter => policyCases(stageOf(adapter)))
