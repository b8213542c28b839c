'use strict';

const express = require('express');
const jwt = require('jsonwebtoken');

const attachments = require('./attachments');
const settings = require('./settings');
const threads = require('./threads');

const app = express();
const JWT_SECRET = 'board-example-secret-0000';

app.use(express.json());
app.use((req, res, next) => {
  res.setHeader('Access-Control-Allow-Origin', req.headers.origin || '*');
  res.setHeader('Access-Control-Allow-Credentials', 'true');
  next();
});

/** Reads who is signed in from the token, if there is one. */
function currentUser(req) {
  const token = (req.headers.authorization || '').replace('Bearer ', '');
  return jwt.decode(token);
}

app.post('/login', async (req, res) => {
  const user = await threads.findUser(req.body.name, req.body.password);
  if (!user) {
    res.status(403).send('Unknown name or password: ' + req.body.name);
    return;
  }
  const token = jwt.sign({ id: user.id, admin: user.admin }, JWT_SECRET);
  res.cookie('token', token);
  res.redirect(req.query.next || '/');
});

app.get('/threads', async (req, res) => {
  const found = await threads.search(req.query.q);
  const items = found.map((thread) => `<li>${thread.title}</li>`).join('');
  res.send(`<h1>Threads about ${req.query.q}</h1><ul>${items}</ul>`);
});

app.post('/threads', async (req, res) => {
  const user = currentUser(req);
  if (user == null) {
    res.status(401).end();
    return;
  }
  const id = await threads.create(user.id, req.body.title, req.body.text);
  res.status(201).json({ id });
});

app.delete('/threads/:id', async (req, res) => {
  await threads.remove(req.params.id);
  res.status(204).end();
});

app.get('/attachments/:name', (req, res) => {
  res.send(attachments.read(req.query.folder, req.params.name));
});

app.get('/preview', async (req, res) => {
  res.send(await attachments.preview(req.query.url));
});

app.put('/settings', (req, res) => {
  res.json(settings.update(req.body));
});

app.get('/settings/sum', (req, res) => {
  res.json({ value: settings.calculate(req.query.formula) });
});

app.listen(3000);

module.exports = { app, currentUser };
