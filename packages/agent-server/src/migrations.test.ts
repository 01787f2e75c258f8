import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { breaksVersionBefore } from '../../store/src/expand-only.test.fixture.js'
import { migrations } from './tables.js'

/** The migrations of the last release. At a release, append the new ones. */
const released = ['001-delegates', '002-rotation', '003-enrollments', '004-own-keys', '005-enrollment-pages']

test(
  verifies('F-82', 'migrations since the last release only expand: the release before runs beside this one'),
  async () => {
    expect(migrations.slice(0, released.length).map(({ name }) => name)).toEqual(released)
    for (const migration of migrations.slice(released.length))
      expect(await breaksVersionBefore(migration), migration.name).toEqual([])
    const broken = {
      name: 'x',
      up: async (db: Parameters<(typeof migrations)[0]['up']>[0]) => {
        await db.schema
          .alterTable('agent_server_delegates')
          .addColumn('must', 'text', column => column.notNull())
          .execute()
        await db.schema.alterTable('agent_server_delegates').renameTo('delegates').execute()
        await db.schema.createIndex('once').unique().on('agent_server_delegates').column('jkt').execute()
      },
    }
    expect(await breaksVersionBefore(broken)).toHaveLength(3)
  },
)
