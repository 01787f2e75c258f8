import { ofThird } from '@countersign/requirements'
import { describe, expect, test } from 'vitest'
import { faultsOf, fewAtATime, unseen } from './broken/judged-peer.fixture.js'
import { peers } from './broken/peers.js'

// The reference peers of the suite share no code with our packages. Each broken one breaks a single sentence of the protocol page.

/** Whole runs of the suite, one for each legal variant: on a machine with other work they take longer than other tests may. */
const patience = 1_200_000

describe.each(peers)('the reference peer $name', { timeout: patience }, role => {
  test('conforms', async () => {
    expect(await faultsOf(role)).toEqual([])
  })

  test('is seen where it breaks a sentence', async () => {
    const found = await fewAtATime(ofThird(role.broken), one => unseen(role, one))
    expect(found.filter(one => one !== undefined)).toEqual([])
  })

  const legal = ofThird(role.legal)
  test.runIf(legal.length > 0)('conforms where it does something else, which the page allows', async () => {
    const found = await fewAtATime(legal, async variant => ({
      what: variant.what,
      faults: await faultsOf(role, variant),
    }))
    expect(found.filter(({ faults }) => faults.length > 0)).toEqual([])
  })
})
