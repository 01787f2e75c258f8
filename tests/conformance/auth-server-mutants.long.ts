import { ofThird } from '@countersign/requirements'
import { test } from 'vitest'
import { startAuthServer } from './auth-server.fixture.js'
import { authServerMutants } from './auth-server-mutants.fixture.js'
import { expectSeen } from './seen-mutant.fixture.js'

test.each(ofThird(authServerMutants))('an auth server that lacks $lacks does not pass', mutant =>
  expectSeen('auth-server', mutant, startAuthServer),
)
