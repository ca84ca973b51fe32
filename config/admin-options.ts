/** Knows what can be said of how operators come in: where, who they are, and which of them may act. */
import { hostNames, places, toggle, unsaidText, userNames, type OptionSpecs } from './option.js'

export const adminOptions = {
  adminListen: {
    schema: places,
    isList: true,
    argument: 'PLACE',
    help: 'where operators come in, beside the socket of the state: HOST:PORT or unix:/PATH; several times, or with commas between',
  },
  adminHtpasswdFile: {
    schema: unsaidText,
    argument: 'FILE',
    help: 'operators and their passwords, as in --htpasswd-file',
  },
  adminOperator: {
    schema: userNames,
    isList: true,
    argument: 'NAME',
    help: 'a user with a password or certificate who may act; the others may only look; several times, or with commas between',
  },
  adminTls: {
    schema: toggle,
    default: false,
    help: 'speak TLS with operators, with --tls-cert and --tls-key',
  },
  adminClientCa: {
    schema: unsaidText,
    argument: 'FILE',
    help: 'let in operators with a certificate of this authority, PEM; its name (CN) is the user',
  },
  adminAllowedHost: {
    schema: hostNames,
    isList: true,
    argument: 'NAME',
    help: 'a name that leads to where operators come in, beside those of this machine; several times, or with commas between',
  },
} satisfies OptionSpecs
