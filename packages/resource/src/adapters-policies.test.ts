import { describe } from 'vitest'
import { adapters } from './suite/adapters.test.fixture.js'
import { policyCases } from './suite/cases.test.fixture.js'
import { stages } from './suite/stage.test.fixture.js'

const stageOf = await stages()

describe.each(adapters)('$name', adapter => policyCases(stageOf(adapter)))
