import { generateSigningKey } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { test } from 'vitest'
import { expectKnownKeys } from '../../../store/src/known-keys.test.fixture.js'
import { createAuthServer } from '../index.js'

const newKey = async (kid: string): Promise<PublishedKey> => ({ kid, key: await generateSigningKey() })

test(verifies('F-81', 'a database opens only with the keys it was used with, unless `knownKeys` says otherwise'), () =>
  expectKnownKeys(newKey, o => createAuthServer({ issuer: 'https://auth.example', ...o })),
)
