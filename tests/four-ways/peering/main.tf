# Two peered VPCs: one route is missing, so one pair of subnets has a way there and none back.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = var.region
}

variable "region" { default = "us-east-1" }

locals {
  cidrs = { left = "10.1.0.0/16", right = "10.2.0.0/16" }
}

resource "aws_vpc" "both" {
  for_each             = local.cidrs
  cidr_block           = each.value
  enable_dns_support   = true
  tags                 = { Name = each.key }
}

resource "aws_subnet" "left_a" {
  vpc_id            = aws_vpc.both["left"].id
  cidr_block        = cidrsubnet(local.cidrs.left, 8, 1)
  availability_zone = "${var.region}a"
  tags              = { Name = "left-a" }
}

resource "aws_subnet" "left_b" {
  vpc_id            = aws_vpc.both["left"].id
  cidr_block        = cidrsubnet(local.cidrs.left, 8, 2)
  availability_zone = "${var.region}b"
  tags              = { Name = "left-b" }
}

resource "aws_subnet" "right_a" {
  vpc_id            = aws_vpc.both["right"].id
  cidr_block        = cidrsubnet(local.cidrs.right, 8, 1)
  availability_zone = "${var.region}a"
  tags              = { Name = "right-a" }
}

resource "aws_vpc_peering_connection" "link" {
  vpc_id      = aws_vpc.both["left"].id
  peer_vpc_id = aws_vpc.both["right"].id
  auto_accept = true
}

resource "aws_route_table" "both" {
  for_each = aws_vpc.both
  vpc_id   = each.value.id
}

resource "aws_route" "across" {
  for_each                  = local.cidrs
  route_table_id            = aws_route_table.both[each.key].id
  destination_cidr_block    = each.key == "left" ? local.cidrs.right : local.cidrs.left
  vpc_peering_connection_id = aws_vpc_peering_connection.link.id
}

resource "aws_route_table_association" "left" {
  subnet_id      = aws_subnet.left_a.id
  route_table_id = aws_route_table.both["left"].id
}

resource "aws_route_table_association" "right" {
  subnet_id      = aws_subnet.right_a.id
  route_table_id = aws_route_table.both["right"].id
}

resource "aws_security_group" "left" {
  name   = "left"
  vpc_id = aws_vpc.both["left"].id
}

resource "aws_security_group_rule" "left_ssh" {
  type              = "ingress"
  security_group_id = aws_security_group.left.id
  protocol          = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_blocks       = [aws_vpc.both["right"].cidr_block]
}

resource "aws_security_group_rule" "left_ping" {
  type              = "ingress"
  security_group_id = aws_security_group.left.id
  protocol          = "icmp"
  from_port         = -1
  to_port           = -1
  cidr_blocks       = ["10.0.0.0/8"]
}

resource "aws_security_group_rule" "left_out" {
  type              = "egress"
  security_group_id = aws_security_group.left.id
  protocol          = "all"
  from_port         = 0
  to_port           = 0
  cidr_blocks       = ["0.0.0.0/0"]
}

resource "aws_security_group" "right" {
  name   = "right"
  vpc_id = aws_vpc.both["right"].id

  ingress {
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = [aws_subnet.left_a.cidr_block, aws_subnet.left_b.cidr_block]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = [local.cidrs.left]
  }
}

resource "aws_instance" "left" {
  for_each               = { left-1 = aws_subnet.left_a.cidr_block, left-2 = aws_subnet.left_b.cidr_block }
  subnet_id              = each.key == "left-1" ? aws_subnet.left_a.id : aws_subnet.left_b.id
  private_ip             = cidrhost(each.value, 10)
  vpc_security_group_ids = [aws_security_group.left.id]
  tags                   = { Name = each.key }
}

resource "aws_instance" "right" {
  subnet_id              = aws_subnet.right_a.id
  private_ip             = "10.2.1.10"
  vpc_security_group_ids = toset([aws_security_group.right.id])
  tags                   = { Name = "right-1" }
}
