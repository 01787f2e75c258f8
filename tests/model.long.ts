import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ofThird } from '@countersign/requirements'
import { expect } from 'vitest'
import { readModels } from '../scripts/model/read.mjs'
import { root } from './processes.fixture.js'
import { requireSpin, when, why } from './spin.fixture.js'

requireSpin()

const models = ofThird(readModels().map(({ name }) => name))

when(
  `the models show what docs/model.md says, and each protection that is removed lets its attack in${why}`,
  () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/model.mjs'), ...models], {
      encoding: 'utf8',
    })
    expect(stdout + stderr).toMatch(/Everything is as expected\.\n$/)
    expect(status).toBe(0)
  },
  900_000,
)
