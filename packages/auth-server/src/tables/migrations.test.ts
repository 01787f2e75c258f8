import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { breaksVersionBefore } from '../../../store/src/expand-only.test.fixture.js'
import { migrations } from './tables.js'

/** Those of the last release. At a release, put the new ones behind them. */
const released = [
  '001-grants',
  '002-login',
  '003-grants-of-users',
  '004-requests',
  '005-consents',
  '006-user-review',
  '007-exchange',
  '008-grants-by-txn',
  '009-grants-of-chains',
]

test(
  verifies('F-82', 'migrations since the last release only expand: the release before runs beside this one'),
  async () => {
    expect(migrations.slice(0, released.length).map(({ name }) => name)).toEqual(released)
    for (const migration of migrations.slice(released.length))
      expect(await breaksVersionBefore(migration), migration.name).toEqual([])
    // And it would be seen: this one made a table anew under another key.
    const rebuilt = migrations.find(({ name }) => name === '007-exchange')
    expect((rebuilt && (await breaksVersionBefore(rebuilt)))?.length).toBeGreaterThan(0)
  },
)
