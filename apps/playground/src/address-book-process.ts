import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { addressBook } from './address-book.js'

// The address book as a process of its own: `node address-book-process.js ID PORT SECRET_FILE REDIRECT_URI`.
const [id = '', port = '', secret = '', redirectUri = ''] = process.argv.slice(2)
const answer = addressBook({
  issuer: id,
  clientSecret: readFileSync(secret, 'utf8').trim(),
  redirectUri,
  accounts: {
    'Ada Lovelace': [
      { name: 'Charles Babbage', day: '12-26' },
      { name: 'Mary Somerville', day: '12-26' },
    ],
    'Grace Hopper': [{ name: 'Howard Aiken', day: '03-08' }],
  },
})
const server = createServer((request, response) => {
  answer(request, response).catch(() => {
    if (!response.headersSent) response.writeHead(400)
    response.end()
  })
})
server.listen(Number(port), 'localhost', () => console.log(`countersign address-book ready at ${id}`))
process.once('SIGTERM', () => {
  server.closeAllConnections()
  server.close(() => process.exit(0))
})
// The playground has ended: this process must not outlive it.
process.once('disconnect', () => process.exit(0))
