/** Knows what each listener can have of its own: where it is, who may come in there, and what may be done there. */
import { z } from 'zod'
import {
  basePath,
  duration,
  headerName,
  hostNames,
  positiveCount,
  listenPlaces,
  toggle,
  trustedRanges,
  unsaidText,
  type OptionSpecs,
} from './option.js'

export const listenerOptions = {
  listen: {
    schema: listenPlaces,
    default: '127.0.0.1:8000',
    isList: true,
    argument: 'PLACE',
    help: 'HOST:PORT, unix:/PATH, systemd[:NAME] or fd:N; several times, or with commas between, for several',
  },
  noAuth: {
    schema: toggle,
    default: false,
    help: 'serve everybody who can reach the place, without asking who they are',
  },
  htpasswdFile: {
    schema: unsaidText,
    argument: 'FILE',
    help: 'users and their passwords, bcrypt or SHA (htpasswd -B); PATH/.htpasswd where it is there',
  },
  proxyAuthUsername: {
    schema: headerName,
    argument: 'HEADER',
    help: 'the header in which a trusted proxy names the user',
  },
  allowedHost: {
    schema: hostNames,
    isList: true,
    argument: 'NAME',
    help: 'a name that clients on this machine may use for it where nobody is asked who it is; several times, or with commas between',
  },
  appendOnly: {
    schema: toggle,
    default: false,
    help: 'let nothing be deleted but locks',
  },
  privateRepos: {
    schema: toggle,
    default: false,
    help: 'let each user into the repositories below the folder of its own name only',
  },
  tls: {
    schema: toggle,
    default: false,
    help: 'speak TLS',
  },
  tlsCert: {
    schema: unsaidText,
    argument: 'FILE',
    help: 'the certificate and its chain, PEM; PATH/public_key where nothing is said',
  },
  tlsKey: {
    schema: unsaidText,
    argument: 'FILE',
    help: 'the key of the certificate, PEM; PATH/private_key where nothing is said',
  },
  tlsMinVer: {
    schema: z.enum(['1.2', '1.3'], 'one of 1.2, 1.3'),
    default: '1.2',
    argument: 'VERSION',
    help: 'the oldest version of TLS that is spoken: 1.2 or 1.3',
  },
  tlsClientCa: {
    schema: unsaidText,
    argument: 'FILE',
    help: 'let in only who shows a certificate of this authority, PEM; its name (CN) is the user',
  },
  http2: {
    schema: toggle,
    default: false,
    help: 'offer HTTP/2 over TLS: fewer answers of 503, but restic cannot print why it was refused',
  },
  trustedProxy: {
    schema: trustedRanges,
    isList: true,
    argument: 'CIDR',
    help: 'proxies that may say who is behind them; several times, or with commas between',
  },
  proxyProtocol: {
    schema: toggle,
    default: false,
    help: "expect HAProxy's PROXY protocol, version 1 or 2, from the trusted proxies and nobody else",
  },
  basePath: {
    schema: basePath,
    default: '',
    argument: 'PATH',
    help: 'what a proxy takes off each address, like /backup; X-Forwarded-Prefix of a trusted proxy goes before it',
  },
  maxConnections: {
    schema: positiveCount,
    default: '4096',
    argument: 'COUNT',
    help: 'connections that may be open at once; further ones are closed',
  },
  maxConnectionsPerAddress: {
    schema: positiveCount,
    default: '512',
    argument: 'COUNT',
    help: 'of these, from one address; those of trusted proxies are not counted',
  },
  headerTimeout: {
    schema: duration,
    default: '15s',
    argument: 'TIME',
    help: 'close a connection whose request has begun and whose headers, or TLS handshake, have not come for so long',
  },
  maxWaitingLogins: {
    schema: positiveCount,
    default: '16',
    argument: 'COUNT',
    help: 'logins of one address that may wait for their password to be checked; a known login never waits',
  },
} satisfies OptionSpecs
