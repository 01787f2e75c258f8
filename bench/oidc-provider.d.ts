// Types of its latest version are not published; this is what the bench uses.
declare module 'oidc-provider' {
  import type { Server } from 'node:http'

  export default class Provider {
    proxy: boolean
    constructor(issuer: string, configuration: object)
    listen(port: number, host: string): Server
  }
}
