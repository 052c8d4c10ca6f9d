// Alipay's own library (npm): sign, pay, query, refund, close; keys and certificates.

import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

// The library lies where it was installed, not beside this file.
const require = createRequire(path.join(process.env.SDK_NPM, 'package.json'));
const { AlipaySdk } = require('alipay-sdk');

const { SANDBOX_URL: url, SANDBOX_SECRET: secret, SANDBOX_KEYS: keys } = process.env;
const key = (name) => fs.readFileSync(path.join(keys, name), 'ascii');
let failed = 0;

function check(name, good, seen) {
  if (!good) failed += 1;
  console.log(good ? `ok\t${name}` : `FAIL\t${name}\tsaw ${JSON.stringify(seen)}`);
}

// Nobody waits for ever for a notification.
const heard = [];
const waiting = [];
const ear = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts).toString();
    const first = waiting.shift();
    if (first) first(body); else heard.push(body);
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end('success');
  });
});
await new Promise((ready) => ear.listen(0, '127.0.0.1', ready));
const notifyUrl = `http://127.0.0.1:${ear.address().port}/hear`;

function hear() {
  const next = heard.shift();
  if (next !== undefined) return Promise.resolve(next);
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('no notification in time')), 20_000);
    waiting.push((body) => { clearTimeout(limit); resolve(body); });
  });
}

if (process.env.SANDBOX_SABOTAGE) {
  await fetch(`${url}/__ctl/faults`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${secret}` },
    body: process.env.SANDBOX_SABOTAGE,
  });
}

const common = {
  appId: '2021000000000000',
  gateway: `${url}/gateway.do`,
  privateKey: key('app_private_pkcs1.pem'),
  keyType: 'PKCS1',
  camelcase: false,
  timeout: 15_000,
};
const sides = {
  keys: new AlipaySdk({ ...common, alipayPublicKey: key('alipay_public.pem') }),
  certificates: new AlipaySdk({
    ...common,
    appCertContent: key('app_cert.crt'),
    alipayPublicCertContent: key('alipay_cert.crt'),
    alipayRootCertContent: key('alipay_root_chain.crt'),
  }),
};

async function story(mode, sdk) {
  const order = `NPM_${mode}_1`;
  const biz = (more) => ({ bizContent: { out_trade_no: order, ...more } });
  const exec = (method, more) => sdk.exec(method, biz(more), { validateSign: true });

  const absent = await exec('alipay.trade.query');
  check(`${mode}: nobody has opened the page`, /TRADE_NOT_EXIST/.test(JSON.stringify(absent)), absent);

  const wish = {
    notify_url: notifyUrl,
    return_url: 'https://shop.example/back',
    ...biz({ total_amount: '1234.50', subject: 'Holdfast 订单 #42 + gift', product_code: 'FAST_INSTANT_TRADE_PAY' }),
  };
  const address = sdk.pageExec('alipay.trade.page.pay', 'GET', wish);
  const opened = await fetch(address, { redirect: 'manual' });
  const cashier = opened.headers.get('location');
  check(`${mode}: page pay leads to the cashier`, opened.status === 302 && cashier.startsWith('/cashier/'), opened.status);
  const form = sdk.pageExec('alipay.trade.page.pay', 'POST', wish);
  const action = /action="([^"]+)"/.exec(form)[1].replaceAll('&amp;', '&');
  const hidden = [...form.matchAll(/name="([^"]+)" value="([^"]*)"/g)];
  const unescaped = (text) => text.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
  const posted = await fetch(action, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(hidden.map(([, name, value]) => [name, unescaped(value)])),
  });
  check(`${mode}: the form leads to the same cashier`, posted.headers.get('location') === cashier, posted.status);

  await fetch(`${url}${cashier}/pay`, { method: 'POST', redirect: 'manual' });
  const notice = Object.fromEntries(new URLSearchParams(await hear()));
  check(`${mode}: the notification is genuine`, sdk.checkNotifySignV2(notice) && notice.trade_status === 'TRADE_SUCCESS', notice);
  check(`${mode}: a changed one is not`, !sdk.checkNotifySignV2({ ...notice, total_amount: '0.01' }));

  const paid = await exec('alipay.trade.query');
  check(`${mode}: paid, the answer is genuine`, paid.trade_status === 'TRADE_SUCCESS', paid);
  const refund = await exec('alipay.trade.refund', { refund_amount: '34.50', out_request_no: 'r1' });
  check(`${mode}: part goes back`, refund.fund_change === 'Y' && refund.refund_fee === '34.50', refund);
  const known = await exec('alipay.trade.fastpay.refund.query', { out_request_no: 'r1' });
  check(`${mode}: the refund is known`, known.refund_status === 'REFUND_SUCCESS', known);
  const closed = await exec('alipay.trade.close');
  check(`${mode}: what is paid is not closed`, /TRADE_STATUS_ERROR/.test(JSON.stringify(closed)), closed);
}

try {
  for (const [mode, sdk] of Object.entries(sides)) await story(mode, sdk);
} catch (error) {
  check('goes on to the end', false, String(error));
}
ear.close();
ear.closeAllConnections();
process.exit(failed ? 1 : 0);
