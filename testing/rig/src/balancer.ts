import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listens } from '@countersign/testing/services'
import { programOf } from './program.js'
import { rigFolder } from './rig-folder.js'
import { type RigProcess, startRigProcess } from './rig-process.js'

/** A name that several instances serve. */
export interface BalancedSite {
  /** The port of the balancer. */
  readonly port: number
  /** The ports of the instances. */
  readonly instances: readonly number[]
}

/** An nginx that hands each request to the next instance, whoever sends it. */
export interface Balancer extends Pick<RigProcess, 'kill' | 'pause' | 'resume' | 'stop' | 'isRunning'> {
  /** Names the instances of the sites anew. Requests under way end at theirs. */
  balance(sites: readonly BalancedSite[]): Promise<void>
}

/**
 * Starts nginx on loopback. Answers name the port of the instance in `Served-By`. A request with effects that an instance may have
 * received is not repeated at another; an instance that accepts no connections is left out for a second.
 */
export async function startBalancer(sites: readonly BalancedSite[]): Promise<Balancer> {
  const { folder, remove } = rigFolder()
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, configuration(folder, sites))
  const running = await startRigProcess({
    program: programOf('nginx'),
    args: ['-p', folder, '-c', file],
    log: join(folder, 'log'),
    isReady: async () => (await Promise.all(sites.map(({ port }) => listens(port)))).every(Boolean),
  })
  return {
    ...running,
    async balance(next) {
      writeFileSync(file, configuration(folder, next))
      process.kill(running.pid, 'SIGHUP')
      for (const { port } of next) while (!(await listens(port))) await new Promise(resolve => setTimeout(resolve, 20))
      // The worker that takes over answers soon after the port does.
      await new Promise(resolve => setTimeout(resolve, 300))
    },
    async stop() {
      await running.stop()
      remove()
    },
  }
}

// One worker, since each counts its own turns: of two requests in a row no two go to one instance.
function configuration(folder: string, sites: readonly BalancedSite[]): string {
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${join(folder, name)};`,
  )
  return `
    daemon off; worker_processes 1; ${user} pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 1024; }
    http {
      access_log off; ${temporary.join(' ')}
      large_client_header_buffers 4 16k; proxy_buffer_size 16k; proxy_buffers 8 16k; underscores_in_headers on;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_connect_timeout 1s; proxy_read_timeout 75s; proxy_buffering off;
      proxy_next_upstream error; proxy_next_upstream_tries 3; proxy_next_upstream_timeout 5s;
      add_header Served-By $upstream_addr always;
      ${sites.map(siteOf).join('\n')}
    }`
}

function siteOf({ port, instances }: BalancedSite): string {
  const servers = instances.map(each => `server 127.0.0.1:${each} max_fails=1 fail_timeout=1s;`)
  return `
    upstream site_${port} { ${servers.join(' ')} keepalive 32; }
    server { listen 127.0.0.1:${port}; listen [::1]:${port}; location / { proxy_pass http://site_${port}; } }`
}
