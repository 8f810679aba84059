// Compiled from locale/zh_Hans/LC_MESSAGES/django.po by bin/messages.
import { learn } from "../i18n.js";

learn({
  ", {count} mentions you": [
    "，{count} 条提及你"
  ],
  "and {count} more": [
    "还有 {count} 人"
  ],
  "{count} new message": [
    "{count} 条新消息"
  ],
  "{count} person here": [
    "{count} 人在线"
  ],
  "{done} of {count} message": [
    "已写入 {done} / {count} 条消息"
  ],
  "(edited)": "（已编辑）",
  "Delete": "删除",
  "Delete this message?": "删除这条消息？",
  "Deleting…": "正在删除…",
  "Discard": "丢弃",
  "Earlier messages could not be loaded.": "更早的消息加载失败。",
  "Edit": "编辑",
  "Edited elsewhere. Saving overwrites that version.": "这条消息已在别处修改，保存会覆盖那次修改。",
  "Editing a message": "正在编辑消息",
  "Jump to latest": "跳到最新消息",
  "Keep": "保留",
  "Later messages could not be loaded.": "之后的消息加载失败。",
  "Link copied": "链接已复制",
  "Live feed by {name}, since {time}": "实时推送，由 {name} 于 {time} 启动",
  "Live feed by {name}, since {time}. It waits for a worker.": "实时推送，由 {name} 于 {time} 启动，正在排队。",
  "Loading earlier messages…": "正在加载更早的消息…",
  "Loading later messages…": "正在加载之后的消息…",
  "Lobby needs cookies. Allow them for this site, then load the page again.": "Lobby 需要 Cookie。请允许本站使用 Cookie，然后重新加载页面。",
  "Message deleted": "消息已删除",
  "New": "新消息",
  "New since {time}": "{time} 以来的新消息",
  "Not deleted: {problem}.": "未能删除：{problem}。",
  "Not done: {problem}.": "操作失败：{problem}。",
  "Not done: {problem}. Try again in {seconds} s.": "操作失败：{problem}，请在 {seconds} 秒后再试。",
  "Not saved: {problem}.": "未能保存：{problem}。",
  "Not sent: {problem}": "未能发送：{problem}",
  "Offline. What you write is sent later.": "离线。写下的内容稍后发送。",
  "Only you are here": "只有你在线",
  "Paid": "已付款",
  "Reconnecting. What you write is kept.": "正在重新连接，你写的内容会保留。",
  "Reconnecting…": "正在重新连接…",
  "Save or cancel your edit first.": "请先保存或取消这次编辑。",
  "Saving…": "正在保存…",
  "Sending…": "正在发送…",
  "Several people are typing": "好几个人正在输入",
  "That could not be saved. Try again in a moment.": "保存失败，请稍后再试。",
  "The name could not be changed. Try again in a moment.": "名字修改失败，请稍后再试。",
  "There can be no such room.": "聊天室不能用这个名字。",
  "There is nothing here any more.": "这里已经没有内容了。",
  "They could not be loaded. Try again in a moment.": "表情加载失败，请稍后再试。",
  "This browser cannot show notifications here.": "这个浏览器在这里无法显示通知。",
  "This browser does not show notifications of this site. You can allow them in its settings.": "浏览器没有允许本站发送通知，你可以在浏览器设置里打开。",
  "This is closed to you.": "你不能访问这里。",
  "This is where the room begins.": "聊天从这里开始。",
  "This message was deleted. You can still copy your text.": "这条消息已被删除，你仍可以复制自己写的内容。",
  "This room is closed to you. What you have written is kept.": "你不能进入这个聊天室，写好的内容已保留。",
  "This room was restored from a backup. Messages sent after it are missing.": "聊天室已从备份恢复，备份之后的消息已丢失。",
  "Too long: {length} of {most} characters": "文字过长：{length}/{most} 个字符",
  "Try again": "重试",
  "Waiting to be sent…": "等待发送…",
  "You are signed out.": "你已退出登录。",
  "You are signed out. What you have written is kept.": "你已退出登录，写好的内容已保留。",
  "You have made many rooms. Wait a while.": "你新建的聊天室太多了，请稍等一会儿。",
  "You no longer have access here. Load the page again.": "你已没有权限访问这里，请重新加载页面。",
  "guest": "访客",
  "the connection was lost": "连接断开了",
  "the server does not answer": "服务器没有响应",
  "there is no connection now": "现在没有连接",
  "you": "你",
  "{day}, {time}": "{day} {time}",
  "{name} and {other} are typing": "{name} 和 {other} 正在输入",
  "{name} is typing": "{name} 正在输入",
  "{name}: {text}": "{name}：{text}",
  "{problem}; try again in {seconds} s": "{problem}，请在 {seconds} 秒后再试"
}, (n) => Number(0));
