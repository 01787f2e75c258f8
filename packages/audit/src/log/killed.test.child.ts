// A process that appends events, gives them their places all the time, and prints the ids that are acknowledged: URL KEY
import { importSigningKey } from '@countersign/httpsig'
import { openStore } from '@countersign/store'
import { auditMigration, checkpointSigner, createAuditLog } from '../index.js'

const [url = '', jwk = ''] = process.argv.slice(2)
const store = await openStore<never>({ url, room: 'test', migrations: [auditMigration('001-audit', 'test')] })
const key = await importSigningKey(JSON.parse(jwk))
const signer = checkpointSigner({ origin: 'auth.example', key })
const audit = createAuditLog({ store, room: 'test', signer, every: 0.005, onFault: () => undefined })

async function appendAlways(): Promise<never> {
  for (;;) {
    const events = [{ type: 'granted', user: 'ada' }, { type: 'issued' }]
    const ids = await store.write(tx => audit.append(tx, events))
    process.stdout.write(`${ids.join('\n')}\n`)
  }
}

await Promise.all(Array.from({ length: 4 }, appendAlways))
