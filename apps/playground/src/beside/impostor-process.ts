import { keysFile } from '@countersign/server'
import { type ImpostorOrder, impostor } from './impostor.js'
import { serveTraced } from './traced-server.js'

// The impostor as a process of its own: `node impostor-process.js ID PORT ORDER`, the last in JSON.
const [id = '', , order = '{}'] = process.argv.slice(2)
const read = JSON.parse(order) as ImpostorOrder
const [key] = await keysFile(read.keys, { onMade: () => undefined })
if (key === undefined) throw new Error('the impostor has no key')
serveTraced({ id, name: 'impostor', answer: impostor({ ...read, id, key }) })
