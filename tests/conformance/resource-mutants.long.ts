import { ofThird } from '@countersign/requirements'
import { test } from 'vitest'
import { boundMutants } from './bound-mutants.fixture.js'
import { gatewayMutants, resourceMutants } from './mutants.fixture.js'
import { policyMutants } from './policy-mutants.fixture.js'
import { expectSeen } from './seen-mutant.fixture.js'
import { startGateway } from './servers.fixture.js'
import { startSite } from './site.fixture.js'

// The first one runs in resource.test.ts.

test.each(ofThird([...resourceMutants.slice(1), ...policyMutants, ...boundMutants]))(
  'a resource that lacks $lacks does not pass',
  mutant => expectSeen('resource', mutant, place => startSite(place, 'node', { mutant })),
)

test.each(ofThird(gatewayMutants))('a gateway that lacks $lacks does not pass', mutant =>
  expectSeen('resource', mutant, place => startGateway(place, 'mcp', mutant)),
)
